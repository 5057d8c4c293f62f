"""Airflow makes itself at home when it is imported; here in a folder that goes with the tests."""

import atexit
import os
import shutil
import tempfile
from datetime import datetime, timezone

if "AIRFLOW_HOME" not in os.environ:
    os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="eventlatch-airflow-home-")
    atexit.register(shutil.rmtree, os.environ["AIRFLOW_HOME"], ignore_errors=True)

# In the zone in which it is about noon no test meets midnight. The names count westward.
os.environ["EVENTLATCH_SENSORS_TIMEZONE"] = f"Etc/GMT{datetime.now(timezone.utc).hour - 12:+}"
