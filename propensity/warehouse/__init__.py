"""The database: tables, runs, model versions, publishing and what readers see."""
