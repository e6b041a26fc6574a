from shared.database.migrations import run_environment

run_environment("graph")
