use super::*;

/// A date, how it renders, and the number of the row in force then.
type Step<'a> = (&'a str, &'a str, i64);

async fn check(steps: &[Step<'_>], rows: &[&str]) {
    let mut fixture = Fixture::new(MarkMode::Local);
    fixture.define(vec![sensor("s", &[("a", D)])]).await;
    let wanted = fixture.wanted["s.a"].id;
    for (date, text, row) in steps {
        let rendered = vec![(wanted, date.parse().unwrap(), (*text).to_owned())];
        let id = fixture.store.save_renderings(rendered, Occasion::NewDay).await.unwrap()[0];
        assert_eq!(id, RenderingId(*row), "{date} as {text} of {steps:?}");
    }
    let all = "SELECT substr(since, 9), rendered, replaced FROM renderings ORDER BY since, replaced";
    assert_eq!(fixture.sql(all), rows, "after {steps:?}");
}

#[tokio::test]
async fn a_row_is_written_only_where_the_text_changes() {
    let steps = [("2019-07-01", "A", 1), ("2019-07-02", "A", 1), ("2019-07-03", "B", 2), ("2019-07-04", "A", 3)];
    check(&steps, &["01|A|0", "03|B|0", "04|A|0"]).await;
}

#[tokio::test]
async fn a_date_computed_later_changes_that_date_alone() {
    // The fifth was looked at and left no row: it stays as it was found.
    let steps = [("2019-07-01", "A", 1), ("2019-07-05", "A", 1), ("2019-07-03", "B", 3), ("2019-07-05", "A", 2)];
    check(&steps, &["01|A|0", "03|B|0", "04|A|0"]).await;
    let steps = [("2019-07-01", "A", 1), ("2019-07-04", "C", 2), ("2019-07-03", "B", 3), ("2019-07-04", "C", 2)];
    check(&steps, &["01|A|0", "03|B|0", "04|C|0"]).await;
    let steps = [("2019-07-01", "A", 1), ("2019-07-05", "C", 2), ("2019-07-03", "A", 1), ("2019-07-02", "A", 1)];
    check(&steps, &["01|A|0", "05|C|0"]).await;
}

#[tokio::test]
async fn a_date_before_all_others() {
    check(&[("2019-07-05", "A", 1), ("2019-07-03", "B", 2), ("2019-07-05", "A", 1)], &["03|B|0", "05|A|0"]).await;
    check(&[("2019-07-05", "A", 1), ("2019-07-03", "A", 1)], &["03|A|0"]).await;
}

#[tokio::test]
async fn the_same_date_renders_differently_with_another_matcher() {
    let steps = [("2019-07-05", "A", 1), ("2019-07-05", "B", 2), ("2019-07-05", "A", 3), ("2019-07-05", "C", 4)];
    check(&steps, &["05|C|0", "05|A|1", "05|B|2", "05|A|3"]).await;
    let steps = [("2019-07-01", "A", 1), ("2019-07-05", "B", 2), ("2019-07-05", "A", 1)];
    check(&steps, &["01|A|0", "05|B|1"]).await;
}

#[tokio::test]
async fn a_thousand_at_once_in_order() {
    let mut fixture = Fixture::new(MarkMode::Local);
    let names: Vec<String> = (0..1000).map(|n| format!("t{n}")).collect();
    let tasks: Vec<_> = names.iter().map(|name| (name.as_str(), D)).collect();
    fixture.define(vec![sensor("s", &tasks)]).await;
    let wanted = fixture.store.active_wanted(WantedId(0), 2000).await.unwrap();
    let on = |date: &str| -> Vec<_> {
        wanted.iter().map(|wanted| (wanted.id, date.parse().unwrap(), wanted.fields.clone())).collect()
    };
    let first = fixture.store.save_renderings(on("2019-07-01"), Occasion::NewDay).await.unwrap();
    assert_eq!(first, (1..=1000).map(RenderingId).collect::<Vec<_>>());
    assert_eq!(fixture.store.save_renderings(on("2019-07-02"), Occasion::NewDay).await.unwrap(), first);
    assert_eq!(fixture.sql("SELECT rendered_until FROM store"), ["2019-07-02"]);
}
