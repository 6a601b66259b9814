//! The judge itself: it sees what a token may do, and nothing else.

use crate::harness::documents::inline;
use crate::harness::{Probe, Space};
use serde_json::json;

fn probes(all: &[(&str, &str)]) -> Vec<Probe> {
    all.iter().map(|(action, resource)| ((*action).to_owned(), (*resource).to_owned())).collect()
}

#[tokio::test]
async fn the_judge_sees_what_tokens_may_do() {
    let (space, other) = (Space::new("judged").await, Space::new("judged-b").await);
    let statement =
        json!({"Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:aws:s3:::${aws:PrincipalTag/team}/*"});
    let document = json!({"Version": "2012-10-17", "Statement": [statement]});
    space.make_account("app").await;
    let spec = json!({"serviceAccount": {"name": "app"}, "role": {"tags": {"team": "mine"}},
        "policies": {"inline": [inline("get", document)]}});
    space.make_binding("app", spec).await;
    space.ready("app").await;
    let queue = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}]});
    other.make_ready("app", json!({"inline": [inline("queue", queue)]})).await;
    space.make_account("bare").await;

    let asked = probes(&[
        ("s3:GetObject", "arn:aws:s3:::mine/a"),
        ("s3:GetObject", "arn:aws:s3:::other/a"),
        ("s3:PutObject", "arn:aws:s3:::mine/a"),
        ("sqs:SendMessage", "arn:aws:sqs:us-east-1:111122223333:q"),
        ("iam:GetRole", "*"),
    ]);
    assert_eq!(space.can(&["app"], &asked).await.into_iter().collect::<Vec<_>>(), asked[..1]);
    assert_eq!(other.can(&["app"], &asked).await.into_iter().collect::<Vec<_>>(), asked[3..4]);
    assert!(space.can(&["bare"], &asked).await.is_empty(), "a ServiceAccount without a role");
    assert_eq!(space.roles_of(&["app", "bare"]).await.into_iter().collect::<Vec<_>>(), [space.role_name("app")]);

    // What somebody puts on the role behind everybody's back counts, and at once.
    let attach = space.aws.iam.attach_role_policy().role_name(space.role_name("app"));
    attach.policy_arn("arn:aws:iam::aws:policy/AdministratorAccess").send().await.unwrap();
    assert_eq!(space.can(&["app"], &asked).await.len(), asked.len());
}
