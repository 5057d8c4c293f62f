use super::*;

pub(super) fn build(sha256: &str, state: GenerationState, reason: Option<&str>) -> Generation {
    Generation {
        matcher: "m".to_owned(),
        sha256: sha256.to_owned(),
        version: "1".to_owned(),
        interface: "1.0.0".to_owned(),
        origin: "m.wasm".to_owned(),
        loaded_at: at("2019-01-01T00:00:00Z"),
        state,
        reason: reason.map(str::to_owned),
        ended_at: None,
        usage: Default::default(),
    }
}

const ALL: &str = "SELECT sha256, state, reason FROM generations ORDER BY id";

#[tokio::test]
async fn a_build_that_serves_again_is_quarantined_no_more() {
    let fixture = Fixture::new(MarkMode::Local);
    let serving = || build("a", GenerationState::Serving, None);
    fixture.store.save_generation(serving(), None).await.unwrap();
    let quarantined = (GenerationState::Quarantined, Some("it failed".to_owned()));
    fixture.store.note_generation("m".into(), "a".into(), quarantined.0, quarantined.1).await.unwrap();
    assert_eq!(fixture.sql(ALL), ["a|quarantined|it failed"]);
    fixture.store.save_generation(serving(), None).await.unwrap();
    assert_eq!(fixture.sql(ALL), ["a|serving|"]);
}

#[tokio::test]
async fn a_refusal_is_kept_once() {
    let fixture = Fixture::new(MarkMode::Local);
    for reason in ["one", "one", "other", "one"] {
        let refused = build("a", GenerationState::Refused, Some(reason));
        fixture.store.save_generation(refused, None).await.unwrap();
    }
    assert_eq!(fixture.sql(ALL), ["a|refused|one", "a|refused|other", "a|refused|one"]);
}

#[tokio::test]
async fn a_build_is_rolled_back_and_the_one_before_it_serves_again_in_one_step() {
    let fixture = Fixture::new(MarkMode::Local);
    for sha256 in ["a", "b"] {
        fixture.store.save_generation(build(sha256, GenerationState::Serving, None), None).await.unwrap();
    }
    let serving = build("a", GenerationState::Serving, None);
    fixture.store.roll_back_generation("b".into(), Some("it failed".into()), serving).await.unwrap();
    assert_eq!(fixture.sql(ALL), ["a|retired|", "b|rolled-back|it failed", "a|serving|"]);
}
