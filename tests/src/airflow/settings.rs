//! What an Airflow is configured with.

use std::path::Path;

use super::Version;

/// Small, quick to see a new DAG, and at home in one directory and a few ports.
pub(super) fn environment(
    version: Version,
    home: &Path,
    port: u16,
    logs: [u16; 2],
    secret: u32,
) -> Vec<(&'static str, String)> {
    let port = port.to_string();
    let mut all = vec![
        ("AIRFLOW__CORE__DAGS_FOLDER", home.join("dags").display().to_string()),
        ("AIRFLOW__CORE__LOAD_EXAMPLES", "False".to_owned()),
        ("AIRFLOW__CORE__PARALLELISM", "4".to_owned()),
        ("AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT", logs[0].to_string()),
        ("AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT", logs[1].to_string()),
        ("AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC", "2".to_owned()),
        ("AIRFLOW__USAGE_DATA_COLLECTION__ENABLED", "False".to_owned()),
        ("PYTHONWARNINGS", "ignore".to_owned()),
    ];
    all.extend(match version {
        Version::Two => vec![
            ("AIRFLOW__API__AUTH_BACKENDS", AUTH_BACKENDS.to_owned()),
            ("AIRFLOW__SCHEDULER__DAG_DIR_LIST_INTERVAL", "3".to_owned()),
            ("AIRFLOW__SCHEDULER__MIN_FILE_PROCESS_INTERVAL", "10".to_owned()),
            ("AIRFLOW__WEBSERVER__SECRET_KEY", format!("secret-of-tests-{secret}")),
            ("AIRFLOW__WEBSERVER__WEB_SERVER_HOST", "127.0.0.1".to_owned()),
            ("AIRFLOW__WEBSERVER__WEB_SERVER_PORT", port),
            ("AIRFLOW__WEBSERVER__WORKERS", "1".to_owned()),
        ],
        Version::Three => vec![
            (
                "AIRFLOW__API_AUTH__JWT_SECRET",
                format!("a-secret-of-tests-that-is-long-enough-to-sign-with-it-by-hs512-{secret:04}"),
            ),
            ("AIRFLOW__API__HOST", "127.0.0.1".to_owned()),
            ("AIRFLOW__API__WORKERS", "1".to_owned()),
            // Workers look for the API server here; without it every task fails that is not on the default port.
            ("AIRFLOW__CORE__EXECUTION_API_SERVER_URL", format!("http://127.0.0.1:{port}/execution/")),
            ("AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL", "10".to_owned()),
            ("AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL", "3".to_owned()),
            ("AIRFLOW__API__PORT", port),
        ],
    });
    all
}

const AUTH_BACKENDS: &str =
    "airflow.providers.fab.auth_manager.api.auth.backend.basic_auth,airflow.api.auth.backend.session";
