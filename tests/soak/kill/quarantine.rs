//! Roles without a binding: the call that cuts one off, and the one that takes that off again, each fate of both.

use super::{FATES, Trap, kill_with};
use crate::harness::{Env, Operator, is};
use crate::quarantine::{NAME, cut_off, denies_all, lose, say, spec};
use serde_json::json;

/// Orphans are found by sweeps.
const FLAGS: &[&str] = &["--resync", "1s"];

/// One after the other, as one sweep leads to one write at a time.
#[tokio::test]
async fn a_kill_while_a_role_is_cut_off_or_given_back() {
    let env = Env::own("kill-quarantine");
    super::lag(&env, serde_json::Value::Null).await;
    let mut operator = Operator::start(&env, FLAGS);
    operator.ready().await;
    env.default_class().await;
    let space = env.space("cut", &operator).await;
    for (number, fate) in FATES.into_iter().enumerate() {
        let name = format!("app-{number}");
        say(&space, json!({"orphans": "Quarantine"})).await;
        space.make_ready(&name, json!({"managed": ["aws:ReadOnlyAccess"]})).await;
        let id = space.role(&name).await["id"].take();
        operator.kill();
        lose(&space, &[&name]).await;

        let params = json!({"RoleName": space.role_name(&name), "PolicyName": NAME});
        let put = Trap::set(&space.emulator, "PutRolePolicy", params.clone(), fate).await;
        operator = Operator::start(&env, FLAGS);
        operator = kill_with(&env, operator, &[put], FLAGS, async || cut_off(&space, &name).await).await;
        assert_eq!(space.role(&name).await["inline"], denies_all(), "{fate:?}");

        let lift = Trap::set(&space.emulator, "DeleteRolePolicy", params, fate).await;
        say(&space, json!({"orphans": "Report"})).await;
        operator = kill_with(&env, operator, &[lift], FLAGS, async || {
            space.role_until(&name, "is given back", |role| role["inline"] == json!({})).await;
        })
        .await;
        let role = space.role(&name).await;
        assert_eq!((&role["id"], &role["inline"]), (&id, &json!({})), "{fate:?}");
        assert_eq!(role["attached"], json!(["arn:aws:iam::aws:policy/ReadOnlyAccess"]));
        space.make_binding(&name, spec(&name)).await;
        assert!(is(&space.ready(&name).await, "RoleReady", "True"));
    }
}
