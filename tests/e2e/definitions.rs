//! What the API server refuses before the operator sees it: see `schema`.

use crate::harness::Env;
use crate::schema;

/// No operator runs here, as what is accepted is not meant for one.
#[tokio::test]
async fn the_definitions_take_and_refuse_what_they_should() {
    let env = Env::own("schema");
    let client = env.kube().await.client;
    schema::every_column(&client).await;
    schema::every_default(&client, "default").await;
    schema::every_rule(&client, "default").await;
    schema::every_transition(&client, "default").await;
    schema::every_status(&client, "default").await;
}
