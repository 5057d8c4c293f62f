//! What is answered, held against the OpenAPI document that is checked in.

use serde_json::{Value, json};

use super::{Caller, home, serve};

/// Whether an answer is one of those that the document knows for a route.
fn check(document: &Value, method: &str, route: &str, answer: &str) {
    let (status, rest) = answer.split_once(' ').unwrap();
    let (kind, body) = rest.split_once(' ').unwrap();
    let kind = kind.split(';').next().unwrap();
    let responses = &document["paths"][route][method]["responses"];
    let response = responses.get(status).unwrap_or_else(|| panic!("{method} {route}: {answer}"));
    let Some(content) = response.get("content") else {
        return assert_eq!(body, "", "{method} {route}: {answer}");
    };
    let schema = &content.get(kind).unwrap_or_else(|| panic!("{method} {route}: {answer}"))["schema"];
    let body: Value = serde_json::from_str(body).unwrap();
    let wrong = wrong(document, schema, &body);
    assert!(wrong.is_empty(), "{method} {route}: {wrong:#?}\n{answer}");
}

/// What of a value is not as a schema says, for the words that our schemas use.
fn wrong(document: &Value, schema: &Value, value: &Value) -> Vec<String> {
    if let Some(name) = schema["$ref"].as_str() {
        let schema = document.pointer(name.trim_start_matches('#')).unwrap_or_else(|| panic!("there is no {name}"));
        return wrong(document, schema, value);
    }
    let mut all = Vec::new();
    if let Some(one_of) = schema["oneOf"].as_array() {
        let fits = one_of.iter().filter(|one| wrong(document, one, value).is_empty()).count();
        all.extend((fits != 1).then(|| format!("{value} fits {fits} of {schema}")));
    }
    let types = schema["type"].as_array().cloned().unwrap_or_else(|| vec![schema["type"].clone()]);
    let is_of = |name: &Value| match name.as_str() {
        Some("null") => value.is_null(),
        Some("boolean") => value.is_boolean(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("string") => value.is_string(),
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        _ => name.is_null(),
    };
    all.extend((!types.iter().any(is_of)).then(|| format!("{value} is not {}", schema["type"])));
    let is_listed = schema["enum"].as_array().is_none_or(|listed| listed.contains(value));
    all.extend((!is_listed).then(|| format!("{value} is none of {}", schema["enum"])));
    all.extend(value.as_array().into_iter().flatten().flat_map(|item| wrong(document, &schema["items"], item)));
    let Some(object) = value.as_object() else { return all };
    let missing =
        schema["required"].as_array().into_iter().flatten().filter(|key| object.get(key.as_str().unwrap()).is_none());
    all.extend(missing.map(|key| format!("{key} is missing")));
    for (key, value) in object {
        match schema["properties"].get(key) {
            Some(schema) => all.extend(wrong(document, schema, value).into_iter().map(|it| format!("{key}: {it}"))),
            None => all.extend((schema["additionalProperties"] == false).then(|| format!("{key} is not known"))),
        }
    }
    all
}

#[test]
fn every_answer_is_as_the_document_says() {
    let home = home();
    let mut service = serve(&home);
    let caller = Caller::of(&mut service);
    let document = caller.json("/v1/openapi.json");
    let checked_in = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/openapi.json");
    let checked_in: Value = serde_json::from_str(&std::fs::read_to_string(checked_in).unwrap()).unwrap();
    assert!(document == checked_in, "docs/openapi.json is stale (hint: make openapi)");
    let sensor = json!({"timeout": 60, "wanted": [
        {"frequency": "once", "topic": "job-finish", "job_name": "j", "task_id": "t", "count": 2, "distinct": ["job_name"]}
    ]});
    let s = "/v1/sensors/{name}";
    let puts = [(s, "/v1/sensors/s", sensor.clone()), (s, "/v1/sensors/one", sensor), (s, "/v1/sensors/s", json!({}))];
    for (route, path, body) in puts {
        check(&document, "put", route, &caller.put(path, &body));
    }
    let w = "/v1/sensors/{name}/waits";
    for body in [
        json!({"name": "w", "business_date": "2026-01-31"}),
        json!({"name": "w"}),
        json!({"name": 7}),
        json!({"name": ""}),
    ] {
        check(&document, "post", w, &caller.post("/v1/sensors/s/waits", &body.to_string()));
    }
    let gets = [
        ("/readyz", "/readyz"),
        ("/v1/sensors", "/v1/sensors?limit=1"),
        ("/v1/sensors", "/v1/sensors?limit=0"),
        (s, "/v1/sensors/s"),
        (s, "/v1/sensors/none"),
        ("/v1/sensors/{name}/status", "/v1/sensors/s/status"),
        ("/v1/status", "/v1/status"),
        ("/v1/waits", "/v1/waits?state=waiting"),
        (w, "/v1/sensors/s/waits"),
        ("/v1/sensors/{name}/waits/{wait}", "/v1/sensors/s/waits/w?wait_until_ended=1"),
        ("/v1/matches", "/v1/matches?business_date=2026-01-31"),
        ("/v1/matches", "/v1/matches?business_date=never"),
        ("/v1/matchers", "/v1/matchers"),
        ("/v1/matchers/{name}/history", "/v1/matchers/job-finish/history"),
        ("/v1/dead-letters", "/v1/dead-letters"),
        ("/v1/dead-letters/{id}", "/v1/dead-letters/1"),
    ];
    for (route, path) in gets {
        check(&document, "get", route, &caller.get(path));
    }
    let m = "/v1/matchers/{name}";
    check(&document, "get", &format!("{m}/shadow"), &caller.get("/v1/matchers/job-finish/shadow"));
    check(&document, "delete", &format!("{m}/shadow"), &caller.delete("/v1/matchers/job-finish/shadow"));
    for act in ["promote", "release"] {
        check(&document, "post", &format!("{m}/{act}"), &caller.post(&format!("/v1/matchers/job-finish/{act}"), "{}"));
    }
    for path in ["/v1/matchers", "/v1/matchers?messages=1000000", "/v1/matchers?shadow=perhaps"] {
        check(&document, "post", "/v1/matchers", &caller.post(path, "{}"));
    }
    let task = "/v1/sensors/{name}/waits/{wait}/tasks/{task_id}";
    for decision in [json!({"decision": "mark", "reason": "seen"}), json!({"decision": "maybe"})] {
        check(&document, "post", task, &caller.post("/v1/sensors/s/waits/w/tasks/t", &decision.to_string()));
    }
    check(&document, "delete", "/v1/sensors/{name}/waits/{wait}", &caller.delete("/v1/sensors/s/waits/w"));
    check(&document, "put", "/v1/sensors/{name}/pause", &caller.put("/v1/sensors/s/pause", &json!({})));
    check(&document, "delete", "/v1/sensors/{name}/pause", &caller.delete("/v1/sensors/s/pause"));
    check(&document, "delete", s, &caller.delete("/v1/sensors/s"));
    let metrics = caller.get("/metrics");
    for name in [
        "eventlatch_messages_total",
        "eventlatch_dead_letters_total",
        "eventlatch_waits_waiting",
        "eventlatch_batch_seconds_sum",
    ] {
        assert!(metrics.contains(&format!("\n{name}")), "{name}: {metrics}");
    }
}
