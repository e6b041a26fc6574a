-- Run once, by the superuser, when the database is made: the admin who migrates, and the roles that the services sign in as.
-- The admin is no superuser. It makes the services' roles itself, because only who made a role may give it to others.

\set ON_ERROR_STOP on
\getenv admin POSTGRES_PASSWORD_ADMIN
\getenv identity POSTGRES_PASSWORD_IDENTITY
\getenv identity_background POSTGRES_BACKGROUND_PASSWORD_IDENTITY
\getenv threads POSTGRES_PASSWORD_THREADS
\getenv threads_background POSTGRES_BACKGROUND_PASSWORD_THREADS
\getenv messages POSTGRES_PASSWORD_MESSAGES
\getenv messages_background POSTGRES_BACKGROUND_PASSWORD_MESSAGES
\getenv attachments POSTGRES_PASSWORD_ATTACHMENTS
\getenv attachments_background POSTGRES_BACKGROUND_PASSWORD_ATTACHMENTS
\getenv projects POSTGRES_PASSWORD_PROJECTS
\getenv projects_background POSTGRES_BACKGROUND_PASSWORD_PROJECTS
\getenv graph POSTGRES_PASSWORD_GRAPH
\getenv graph_background POSTGRES_BACKGROUND_PASSWORD_GRAPH

CREATE ROLE atrium_admin LOGIN CREATEROLE PASSWORD :'admin';
ALTER DATABASE :"DBNAME" OWNER TO atrium_admin;

SET ROLE atrium_admin;
CREATE ROLE atrium_owner NOLOGIN; -- of all schemas; here, so that a backup can be restored before anything was migrated
CREATE ROLE atrium_identity LOGIN PASSWORD :'identity';
CREATE ROLE atrium_identity_background LOGIN PASSWORD :'identity_background';
CREATE ROLE atrium_threads LOGIN PASSWORD :'threads';
CREATE ROLE atrium_threads_background LOGIN PASSWORD :'threads_background';
CREATE ROLE atrium_messages LOGIN PASSWORD :'messages';
CREATE ROLE atrium_messages_background LOGIN PASSWORD :'messages_background';
CREATE ROLE atrium_attachments LOGIN PASSWORD :'attachments';
CREATE ROLE atrium_attachments_background LOGIN PASSWORD :'attachments_background';
CREATE ROLE atrium_projects LOGIN PASSWORD :'projects';
CREATE ROLE atrium_projects_background LOGIN PASSWORD :'projects_background';
CREATE ROLE atrium_graph LOGIN PASSWORD :'graph';
CREATE ROLE atrium_graph_background LOGIN PASSWORD :'graph_background';
