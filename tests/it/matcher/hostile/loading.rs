//! Guests that mean harm while they are being loaded: each is refused, in words that say at which step.

use eventlatch::matcher::{Limits, NotAMatcher};

use crate::matcher::{LIAR, bare::bare, limits, load, refusal, with_limits, words};

const FOR_EVER: &str = "(loop $again (br $again))";

fn check(mark: &str, instructions: &str, expected: &[&str]) {
    let words = refusal(&bare(mark, instructions));
    for part in expected {
        assert!(words.contains(part), "`{part}` is not said in: {words}");
    }
}

#[test]
fn the_matcher_by_hand_is_fine_without_harm() {
    assert_eq!(&**load(&limits_of_tests(), &bare("BAD", "")).unwrap().name(), "bare");
}

fn limits_of_tests() -> eventlatch::matcher::Runtime {
    with_limits(limits())
}

#[test]
fn a_start_function_that_loops_runs_out_of_time() {
    check("START", FOR_EVER, &["could not start", "CPU time"]);
}

#[test]
fn a_panic_in_describe_is_refused() {
    check("DESCRIBE", "unreachable", &["could not describe itself", "panicked"]);
}

#[test]
fn a_loop_in_describe_runs_out_of_time() {
    check("DESCRIBE", FOR_EVER, &["could not describe itself", "CPU time"]);
}

#[test]
fn a_name_that_is_no_text_is_refused() {
    let name = "(i32.store offset=32 (i32.const 0) (i32.const 640)) (i32.store offset=36 (i32.const 0) (i32.const 2))";
    check("DESCRIBE", name, &["could not describe itself", "utf-8"]);
}

#[test]
fn a_slow_configure_runs_out_of_time() {
    check("CONFIGURE", FOR_EVER, &["could not take its configuration", "CPU time"]);
}

#[test]
fn memory_and_tables_have_their_limits_while_loading() {
    check("START", "(drop (memory.grow (i32.const 2000)))", &["could not start", "64 MiB"]);
    let grow = "(drop (table.grow $table (ref.null func) (i32.const 1000000)))";
    check("DESCRIBE", grow, &["could not describe itself", "20000 elements"]);
}

#[test]
fn recursion_while_loading_does_not_need_the_callers_stack() {
    // Far more than the stack of the thread that this test runs on.
    let stack_kib = std::num::NonZeroU16::new(16 << 10).unwrap();
    let runtime = with_limits(Limits { stack_kib, ..limits() });
    let error = load(&runtime, &bare("DESCRIBE", "(drop (call $deeper))")).err().unwrap();
    let words = words(&error);
    assert!(words.contains("could not describe itself: used more stack"), "{words}");
}

#[test]
fn a_file_over_its_limit_is_refused_before_anything_is_read_of_it() {
    let runtime = with_limits(Limits { file_mib: std::num::NonZeroU16::MIN, ..limits() });
    let mut padded = LIAR.to_vec();
    padded.resize(2 << 20, 0xff);
    let error = load(&runtime, &padded).err().unwrap();
    assert!(
        matches!(error, eventlatch::matcher::LoadError::NotAMatcher(NotAMatcher::TooLarge { .. })),
        "{}",
        words(&error)
    );
}
