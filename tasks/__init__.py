"""Prefect tasks: one file a stage; artifacts, progress and log lines round plain functions."""
