//! What may befall the store's disk and file while messages come: intake waits, says why, and nothing is lost.

mod broken;
mod scene;
mod starting;

use eventlatch_tests::{
    disk::{Disk, Failure},
    home::{DEADLINE, open},
};

use self::scene::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn what_passes_is_waited_for_and_nothing_is_lost() {
    let mut disk = None;
    let mut scene = Scene::start(|home| {
        let (home, it) = Disk::of(home);
        disk = Some(it);
        home
    })
    .await;
    let disk = disk.unwrap();
    scene.send_and_wait(50).await;

    disk.fail(Failure::NoSpace);
    scene.waits(50, "there is no space left for the store").await;
    disk.mend();
    scene.goes_on();

    disk.fail(Failure::InputOutput);
    scene.waits(50, "the disk of the store").await;
    disk.mend();
    scene.goes_on();

    let lock = open(&scene.store());
    lock.execute_batch("BEGIN EXCLUSIVE").unwrap();
    scene.waits(50, "another program keeps the store").await;
    lock.execute_batch("COMMIT").unwrap();
    scene.goes_on();

    scene.rename("store", "away");
    scene.waits(50, "is not there any more: move it back").await;
    scene.rename("away", "store");
    scene.goes_on();

    assert_eq!(scene.service.terminate().code(), Some(0), "{}", scene.service.log_end());
    // The whole time it said each thing once.
    let log = scene.service.log();
    assert_eq!(log.matches("The store fails; what is to be recorded waits").count(), 4, "{log}");
    assert_eq!(log.matches("The store works again").count(), 4, "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_is_noticed_where_nothing_is_to_be_written() {
    let mut scene = Scene::start(|home| home).await;
    scene.send_and_wait(1).await;
    scene.rename("store", "away");
    scene.is_not_ready("is not there any more");
    scene.rename("away", "store");
    scene.goes_on();
}

#[tokio::test(flavor = "multi_thread")]
async fn told_to_stop_while_the_store_fails_it_leaves_what_it_has_for_the_next_start() {
    let mut disk = None;
    let mut scene = Scene::start(|home| {
        let (home, it) = Disk::of(home);
        disk = Some(it);
        home
    })
    .await;
    let disk = disk.unwrap();
    scene.send_and_wait(10).await;
    disk.fail(Failure::NoSpace);
    scene.waits(50, "there is no space left").await;
    assert_eq!(scene.service.terminate().code(), Some(5), "{}", scene.service.log_end());
    assert!(scene.service.log_end().contains("make room on its disk"), "{}", scene.service.log_end());
    disk.mend();
    scene.service.start_again();
    scene.wait_for_all(DEADLINE);
}
