//! What went on in each hour adds up, and is forgotten after its time.

use super::on_both_engines;
use crate::Database;
use crate::activity::{self, Hour};

on_both_engines!(what_was_done_in_an_hour_adds_up);

const HOUR: i64 = 3_600_000_000;

async fn what_was_done_in_an_hour_adds_up(database: Database) {
    let hours = database
        .transaction(|c| {
            Box::pin(async move {
                activity::add(c, HOUR, 2, 0).await?;
                activity::add(c, HOUR, 3, 4).await?;
                assert!(!activity::is_measured(c, HOUR).await?);
                activity::measure(c, HOUR).await?;
                activity::measure(c, 2 * HOUR).await?;
                assert!(activity::is_measured(c, HOUR).await?);
                activity::add(c, 2 * HOUR, 1, 0).await?;
                activity::list(c, HOUR, 10).await
            })
        })
        .await
        .unwrap();
    let first = Hour { hour: HOUR, pulls: 5, pushes: 4, storage: Some(0) };
    let second = Hour { hour: 2 * HOUR, pulls: 1, pushes: 0, storage: Some(0) };
    assert_eq!(hours, [first, second]);
    let left = database
        .transaction(|c| {
            Box::pin(async move {
                activity::delete_before(c, 2 * HOUR).await?;
                activity::list(c, 0, 10).await
            })
        })
        .await
        .unwrap();
    assert_eq!(left, [second]);
}
