-- The database and the account of a node. Can be run again. NODE_PASSWORD is taken from the environment by sqlcmd.
IF DB_ID(N'ips1') IS NULL CREATE DATABASE ips1;
GO
ALTER DATABASE ips1 SET READ_COMMITTED_SNAPSHOT ON;
GO
IF SUSER_ID(N'ips1') IS NULL CREATE LOGIN ips1 WITH PASSWORD = N'$(NODE_PASSWORD)', DEFAULT_DATABASE = ips1;
GO
USE ips1;
GO
IF USER_ID(N'ips1') IS NULL CREATE USER ips1 FOR LOGIN ips1 WITH DEFAULT_SCHEMA = dbo;
ALTER ROLE db_datareader ADD MEMBER ips1;
ALTER ROLE db_datawriter ADD MEMBER ips1;
-- Only to make and migrate the tables; not needed when a person runs `castellan schema print`.
ALTER ROLE db_ddladmin ADD MEMBER ips1;
GO
