"""projects: projects and their members, and what teams make in them: tasks in columns, files, pages."""
