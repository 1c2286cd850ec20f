-- Least privilege on PostgreSQL: a writer that the nightly job logs in as, and a reader for marketing.
--
-- Run as a superuser, in the warehouse's database, before the first night:
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

-- the writer may make things in one schema, owns what it makes there, and nothing else
CREATE SCHEMA IF NOT EXISTS propensity;
GRANT USAGE, CREATE ON SCHEMA propensity TO propensity_writer;
GRANT USAGE ON SCHEMA propensity TO propensity_marketing;
ALTER ROLE propensity_writer SET search_path = propensity;
ALTER ROLE propensity_marketing SET search_path = propensity;
ALTER ROLE propensity_marketing SET default_transaction_read_only = on;
-- against mistakes; a role may change its own settings
ALTER ROLE propensity_marketing SET statement_timeout = '5min';
ALTER ROLE propensity_marketing SET idle_in_transaction_session_timeout = '5min';

-- functions that everybody may call otherwise: with the locks marketing could stop the nights, with
-- large objects it could store things
DO $$
DECLARE
  function regprocedure;
BEGIN
  FOR function IN
    SELECT oid::regprocedure FROM pg_proc
    WHERE pronamespace = 'pg_catalog'::regnamespace
      AND (proname LIKE 'pg%advisory%' OR proname LIKE 'lo\_%' OR proname IN ('loread', 'lowrite'))
  LOOP
    EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', function);
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO propensity_writer', function);
  END LOOP;
END
$$;

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
