-- Least privilege on PostgreSQL: a writer that the nightly job logs in as, and a reader for marketing.
--
-- Run as a superuser or the database's owner, in the warehouse's database, before the first night:
--     psql --dbname propensity --file deployments/sql/roles.sql
-- then give both a password (\password propensity_writer, \password propensity_marketing) and set
--     PROPENSITY_DATABASE_URL=postgresql://propensity_writer:...@host/propensity
-- It may be run again. Migrations give marketing the right to read views made later.

DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'propensity_writer') THEN
    CREATE ROLE propensity_writer LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'propensity_marketing') THEN
    CREATE ROLE propensity_marketing LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION;
  END IF;
  -- nobody else gets in, or makes anything anywhere but in the schema below
  EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
  EXECUTE format('GRANT CONNECT ON DATABASE %I TO propensity_writer, propensity_marketing',
                 current_database());
END
$$;
REVOKE ALL ON SCHEMA public FROM PUBLIC, propensity_writer, propensity_marketing;

-- the writer owns its schema and what the migrations make in it, and nothing else
CREATE SCHEMA IF NOT EXISTS propensity;
GRANT USAGE, CREATE ON SCHEMA propensity TO propensity_writer;
GRANT USAGE ON SCHEMA propensity TO propensity_marketing;
ALTER ROLE propensity_writer SET search_path = propensity;
ALTER ROLE propensity_marketing SET search_path = propensity;
ALTER ROLE propensity_marketing SET default_transaction_read_only = on;
ALTER ROLE propensity_marketing SET statement_timeout = '5min';

-- marketing reads the views, not the tables behind them
DO $$
DECLARE
  view_name text;
BEGIN
  FOREACH view_name IN ARRAY
    ARRAY['leads', 'lead_gains', 'current_scores', 'previous_scores', 'lineage']
  LOOP
    IF to_regclass('propensity.' || view_name) IS NOT NULL THEN
      EXECUTE format('GRANT SELECT ON propensity.%I TO propensity_marketing', view_name);
    END IF;
  END LOOP;
END
$$;
