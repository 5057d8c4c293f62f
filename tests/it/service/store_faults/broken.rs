//! What can never be mended in the running process: it says so and ends in order, and the next start goes on.

use std::{fs, io::Write};

use eventlatch_tests::home::{DEADLINE, open};

use super::Scene;

const PAGE: usize = 4096;

/// Copies the store to another file as a backup would.
fn copy(scene: &Scene, to: &str) {
    open(&scene.store()).execute("VACUUM INTO ?1", [scene.home.path(to).display().to_string()]).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_was_replaced_is_not_written_any_more() {
    let mut scene = Scene::start(|home| home).await;
    scene.send_and_wait(50).await;
    copy(&scene, "copy.db");
    // As somebody does who restores a backup and forgets to stop the service.
    scene.rename("store", "old");
    scene.home.write("store/eventlatch.db", fs::read(scene.home.path("copy.db")).unwrap());
    scene.send(50).await;
    assert_eq!(scene.ends(), Some(5));
    assert!(scene.service.log_end().contains("other files have taken the place"), "{}", scene.service.log_end());

    scene.service.start_again();
    scene.wait_for_all(DEADLINE);
    assert_eq!(scene.service.terminate().code(), Some(0), "{}", scene.service.log_end());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_whose_log_of_commits_was_removed_keeps_what_it_held() {
    let mut scene = Scene::start(|home| home).await;
    scene.send_and_wait(50).await;
    fs::remove_file(scene.home.path("store/eventlatch.db-wal")).unwrap();
    assert_eq!(scene.ends(), Some(5));
    scene.send(50).await;
    scene.service.start_again();
    scene.wait_for_all(DEADLINE);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_store_ends_the_service_and_a_backup_goes_on() {
    let mut scene = Scene::start(|home| home).await;
    scene.send_and_wait(50).await;
    copy(&scene, "backup.db");
    scene.send_and_wait(50).await;

    open(&scene.store()).execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    let size = fs::metadata(scene.store()).unwrap().len() as usize;
    let mut file = fs::File::options().write(true).open(scene.store()).unwrap();
    std::io::Seek::seek(&mut file, std::io::SeekFrom::Start(PAGE as u64)).unwrap();
    file.write_all(&vec![0xAB; size - PAGE]).unwrap();
    scene.send(50).await;
    assert_eq!(scene.ends(), Some(5), "{}", scene.service.log_end());
    assert!(scene.service.log_end().contains("is damaged: restore a backup"), "{}", scene.service.log_end());

    scene.service.start_again();
    assert_eq!(scene.ends(), Some(5), "{}", scene.service.log_end());

    for rest in ["eventlatch.db-wal", "eventlatch.db-shm"] {
        let _absent = fs::remove_file(scene.home.path(&format!("store/{rest}")));
    }
    scene.home.write("store/eventlatch.db", fs::read(scene.home.path("backup.db")).unwrap());
    scene.service.start_again();
    scene.wait_for_all(DEADLINE);
}
