//! The little of EKS that is needed: clusters with an issuer, given by an admin call; one store per account and region.
//! Source: DescribeCluster and ListClusters of the service model; the sentence for a missing cluster from reports.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::answer::{Outcome, Refusal, Reply};
use crate::call::Call;
use crate::world::{Own, World};

#[derive(Clone, Deserialize, Serialize)]
pub struct Cluster {
    pub account: String,
    pub region: String,
    pub name: String,
    pub issuer: String,
    #[serde(default = "active")]
    pub status: String,
    #[serde(default = "version")]
    pub version: String,
}

fn active() -> String {
    "ACTIVE".to_owned()
}

fn version() -> String {
    "1.33".to_owned()
}

pub fn describe(own: &Own, cluster: &Cluster) -> Value {
    let partition = own.partition(&cluster.account);
    let Cluster { account, region, name, .. } = cluster;
    json!({
        "name": name,
        "arn": format!("arn:{partition}:eks:{region}:{account}:cluster/{name}"),
        "createdAt": 1_700_000_000.0,
        "version": cluster.version,
        "platformVersion": "eks.1",
        "status": cluster.status,
        "endpoint": format!("https://{}.gr7.{region}.eks.amazonaws.com", cluster.issuer.rsplit('/').next().unwrap_or(name)),
        "identity": {"oidc": {"issuer": cluster.issuer}},
        "certificateAuthority": {"data": ""},
        "roleArn": format!("arn:{partition}:iam::{account}:role/eks-cluster"),
        "tags": {},
    })
}

pub fn handle(world: &World, call: &Call) -> Outcome {
    let own = world.own.borrow();
    if call.op == "ListClusters" {
        let names: Vec<&str> = own
            .clusters
            .values()
            .filter(|cluster| cluster.account == call.account && cluster.region == call.region)
            .map(|cluster| cluster.name.as_str())
            .collect();
        return Ok(Reply::Json(json!({"clusters": names, "nextToken": null})));
    }
    let name = call.get("name").unwrap_or("");
    let key = (call.account.clone(), call.region.clone(), name.to_owned());
    match own.clusters.get(&key) {
        Some(cluster) => Ok(Reply::Json(json!({"cluster": describe(&own, cluster)}))),
        None => Err(Refusal::new(404, "ResourceNotFoundException", format!("No cluster found for name: {name}."))),
    }
}
