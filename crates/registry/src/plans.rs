//! Plans of statements that keep up with tables that grow.

use std::time::Duration;

use crate::Registry;

/// What a node is asked meanwhile goes by a plan of tables half the size, or of a few pages.
const EVERY: Duration = Duration::from_secs(2);

impl Registry {
    /// Has plans made anew for as long as the node runs. Where that fails the database does it in rounds of its own.
    pub async fn renew_plans_regularly(&self) {
        loop {
            tokio::time::sleep(EVERY).await;
            if let Err(error) = self.database.renew_plans().await {
                tracing::debug!(%error, "plans of statements could not be made anew");
            }
        }
    }
}
