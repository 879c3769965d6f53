//! `hythe schedule`

use super::{ALL, Desk};
use crate::cli::client::ScheduleCommand;
use crate::failure::Failure;

pub(super) async fn run(command: &ScheduleCommand, desk: &Desk) -> Result<(), Failure> {
    let ScheduleCommand::List = command;
    let columns = [
        ("KIND", "/vendor_type"),
        ("KEY", "/key"),
        ("CRON", "/cron"),
        ("TIME ZONE", "/time_zone"),
        ("NEXT", "/next_scheduled_time"),
        ("LAST", "/last_scheduled_time"),
        ("LAST JOB", "/last_job_id"),
        ("SET BY", "/created_by"),
    ];
    desk.show_list(&desk.remote.list("schedules", ALL).await?, &columns);
    Ok(())
}
