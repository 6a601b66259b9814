//! The specs, one after another.

use super::{Refusal, Spec, both, harmless, operator, schema};
use serde_json::{Value, json};

pub fn all() -> Vec<Spec> {
    [policies(), accounts(), trust(), tags(), roles(), rest()].into_iter().flatten().collect()
}

fn managed(policies: &[&str]) -> Value {
    json!({"policies": {"managed": policies}})
}

fn policies() -> Vec<Spec> {
    let rule = "spec.allow.managedPolicies";
    let too_many: Vec<String> = (0..26).map(|number| format!("account:shop/p{number}")).collect();
    let mighty = "by its full ARN in spec.allow.managedPolicies; take a policy with what the application needs";
    vec![
        both("AdministratorAccess", "shop", managed(&["aws:AdministratorAccess"]), rule),
        both(
            "AdministratorAccess where all of AWS's are allowed",
            "wide",
            managed(&["aws:AdministratorAccess"]),
            mighty,
        ),
        both(
            "AdministratorAccess by its ARN",
            "wide",
            managed(&["arn:aws:iam::aws:policy/AdministratorAccess"]),
            mighty,
        ),
        both(
            "AdministratorAccess by a variable",
            "wide",
            managed(&["arn:$(partition):iam::aws:policy/AdministratorAccess"]),
            mighty,
        ),
        both(
            "AdministratorAccess behind another",
            "wide",
            managed(&["account:shop/reads", "aws:AdministratorAccess"]),
            mighty,
        ),
        both("AdministratorAccess by case", "wide", managed(&["aws:administratoraccess"]), mighty),
        both("AdministratorAccess below a path", "wide", managed(&["aws:job-function/AdministratorAccess"]), mighty),
        both("IAMFullAccess", "wide", managed(&["aws:IAMFullAccess"]), mighty),
        both("PowerUserAccess", "wide", managed(&["aws:PowerUserAccess"]), mighty),
        both("a policy of the neighbour", "shop", managed(&["account:shop-b/reads"]), rule),
        both(
            "a policy of the neighbour by its ARN",
            "shop",
            managed(&["arn:aws:iam::111122223333:policy/shop-b/reads"]),
            rule,
        ),
        both("a policy without a path", "shop", managed(&["account:attack-loose"]), rule),
        both("a path of another case", "shop", managed(&["account:Shop/reads"]), rule),
        both("a policy that the name of the binding makes", "shop", managed(&["account:$(name)/reads"]), rule),
        Spec {
            by: Refusal::Told {
                why: "Invalid",
                said: "can only have policies of its own account",
                admission: Some(rule),
            },
            ..both("a policy of another account", "shop", managed(&["arn:aws:iam::444455556666:policy/shop-b/x"]), rule)
        },
        operator(
            "a way up in a path",
            "shop",
            managed(&["account:shop/../shop-b/reads"]),
            "NotFound",
            "shop/../shop-b/reads",
        ),
        schema(
            "more policies than a role takes",
            json!({"policies": {"managed": too_many}}),
            "must have at most 25 items",
        ),
    ]
}

fn accounts() -> Vec<Spec> {
    let account = |name: &str| json!({"serviceAccount": {"name": name}});
    let further = |names: &[&str]| json!({"trust": {"serviceAccounts": names}});
    let rule = "(spec.allow.serviceAccounts.names)";
    let word = "write the name of an object";
    vec![
        both(
            "the ServiceAccount of all Pods",
            "shop",
            account("default"),
            "make a ServiceAccount for this application",
        ),
        both("a ServiceAccount that is not the class's", "shop", account("web"), rule),
        both(
            "a ServiceAccount that the operator is to make",
            "shop",
            json!({"serviceAccount": {"name": "app-made", "create": true}}),
            "(spec.allow.serviceAccounts.create); set it to false",
        ),
        both(
            "a ServiceAccount that a stale RoleBinding names",
            "makes",
            json!({"serviceAccount": {"name": "deployer", "create": true}}),
            rule,
        ),
        both("a second ServiceAccount", "shop", further(&["app-y", "web"]), rule),
        both("all Pods as a second", "shop", further(&["default"]), "make a ServiceAccount for this application"),
        schema("every ServiceAccount", further(&["*"]), word),
        schema("a ServiceAccount of the neighbour", further(&["shop-b:app-x"]), word),
        schema("a whole subject", further(&["system:serviceaccount:shop-b:app-x"]), word),
        schema("a ServiceAccount by a path", further(&["../shop-b/app-x"]), word),
        schema("a variable for a ServiceAccount", further(&["$(name)"]), word),
    ]
}

fn trust() -> Vec<Spec> {
    let audience = |audience: &str| json!({"trust": {"audience": audience}});
    let said = "(sts.amazonaws.com); use one of them, or have it added to the class";
    let root = "arn:aws:iam::444455556666:root";
    vec![
        operator("the API server's audience", "shop", audience("https://kubernetes.default.svc"), "Invalid", said),
        operator(
            "the API server's audience in full",
            "shop",
            audience("https://kubernetes.default.svc.cluster.local"),
            "Invalid",
            said,
        ),
        operator("any other audience", "shop", audience("vault"), "Invalid", said),
        operator("every audience", "shop", audience("*"), "Invalid", said),
        operator("an audience of another case", "shop", audience("STS.amazonaws.com"), "Invalid", said),
        schema("a policy variable for an audience", audience("${aws:username}"), "without spaces and dollar signs"),
        harmless(
            "principals of its own",
            json!({"trust": {"principals": [root], "trustedPrincipals": [root]}, "trustedPrincipals": [root]}),
        ),
        harmless(
            "issuers of its own",
            json!({"trustedIssuers": ["evil.example"], "takeOverFromIssuers": ["evil.example"], "oidcProvider": {"audiences": ["*"]}}),
        ),
    ]
}

fn tags() -> Vec<Spec> {
    let tags = |tags: Value| json!({"role": {"tags": tags}});
    let ours = "say whose a role is; take another key";
    vec![
        both("a tag that opens doors", "shop", tags(json!({"project": "platform"})), "(spec.allow.tags.keys)"),
        harmless("the class's own tag", tags(json!({"team": "platform"}))),
        harmless("the class's own tag by the key's case", tags(json!({"TEAM": "platform", "Kind": "admin"}))),
        Spec {
            by: Refusal::Admission("(spec.allow.tags.keys)"),
            ..harmless("the class\'s own tag by U+212A", tags(json!({"\u{212a}ind": "admin"})))
        },
        schema("the same tag twice", tags(json!({"cost-a": "1", "Cost-A": "2"})), "IAM takes them for one"),
        schema("whose a role is", tags(json!({"irsa-operator.io/namespace": "shop-b"})), ours),
        schema("whose a role is by case", tags(json!({"IRSA-Operator.io/Binding": "app-x"})), ours),
        schema("that a role may be taken over", tags(json!({"irsa-operator.io/adoptable-by": "e2e/shop/app-x"})), ours),
        schema("AWS's tags", tags(json!({"AWS:cloudformation:stack-name": "x"})), "kept for AWS"),
    ]
}

fn roles() -> Vec<Spec> {
    let role = |name: &str| json!({"role": {"name": name}, "adoption": {"policy": "IfTagged", "acceptRemovals": true}});
    let named = |name: &str| json!({"role": {"name": name}});
    let (rule, kept) = ("(spec.allow.roleName)", "are never taken");
    let consent = "irsa-operator.io/adoptable-by";
    vec![
        operator(
            "the operator's own role",
            "shop",
            role("irsa-operator"),
            "Forbidden",
            "the operator's own are never taken",
        ),
        operator(
            "the operator's own role by case",
            "shop",
            role("IRSA-Operator"),
            "Forbidden",
            "the operator's own are never taken",
        ),
        operator("a strong role by name", "shop", role("admin"), "Conflict", consent),
        operator("a strong role by case", "shop", role("ADMIN"), "Conflict", consent),
        operator("the organization's way in", "shop", role("OrganizationAccountAccessRole"), "Conflict", consent),
        operator(
            "a role of IAM Identity Center",
            "shop",
            role("AWSReservedSSO_Admin_0123456789abcdef"),
            "Conflict",
            consent,
        ),
        operator("the neighbour's role", "shop", role("e2e_shop-b_app-x"), "Conflict", consent),
        operator("a role that is offered to the neighbour", "shop", role("offered-elsewhere"), "Conflict", consent),
        operator("a name that an aws-auth mapping knows", "shop", role("eks-admins"), "Conflict", "there is no role"),
        both("a name that an aws-auth mapping matches", "names", named("eks-admins"), rule),
        both("a name that an SCP exempts", "names", named("security-audit"), rule),
        both("a name next door", "names", named("shop-b_x"), rule),
        both("a name of another case", "names", named("SHOP_x"), rule),
        both("a name that looks cut", "names", named("shop_x=abcdefghijklmnop"), rule),
        both("a name of AWS", "names-more", named("AWSReservedSSO_shop"), kept),
        both("a name of the CDK", "names-more", named("cdk-hnb659fds-deploy-shop"), kept),
        both("a name of a StackSet by case", "names-more", named("StackSets-exec-shop"), kept),
        schema("a role by its path", role("irsa/e2e_shop-b_app-x"), "write the name of a role alone, without its path"),
        schema("a variable in a role's name", role("$(clusterId)_shop-b_app-x"), "write the name of a role alone"),
        harmless(
            "a boundary, path, account and template of its own",
            json!({
            "role": {"permissionsBoundaryArn": "arn:aws:iam::aws:policy/AdministratorAccess", "path": "/", "nameTemplate": "admin"},
            "account": {"assumeRoleArn": "arn:aws:iam::444455556666:role/irsa-operator"}, "allow": {"managedPolicies": ["*"]}}),
        ),
    ]
}

fn rest() -> Vec<Spec> {
    let long = "x".repeat(11_000);
    let statement =
        json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": format!("arn:aws:s3:::shop/{long}")});
    let large = json!({"name": "p", "document": {"Version": "2012-10-17", "Statement": [statement]}});
    vec![
        both(
            "a session of half a day",
            "shop",
            json!({"role": {"maxSessionDurationSeconds": 43200}}),
            "(spec.allow.maxSessionDurationSeconds); lower it",
        ),
        both(
            "a role that is to stay",
            "shop",
            json!({"deletionPolicy": "Retain"}),
            "does not allow Retain (spec.allow.deletionPolicies)",
        ),
        both(
            "the class of others",
            "platform",
            json!({}),
            "does not allow bindings in namespace shop (spec.allow.namespaces)",
        ),
        schema(
            "the operator's own inline policy",
            json!({"policies": {"inline": [{"name": "IRSA-operator-quarantine", "document": {}}]}}),
            "kept for the operator's own policies",
        ),
        operator("more than IAM takes", "shop", json!({"policies": {"inline": [large]}}), "Invalid", "IAM takes 10240"),
        operator(
            "another cluster's role by Annotate",
            "shop",
            json!({"mode": "Annotate"}),
            "Invalid",
            "use a class with a template such as",
        ),
        schema("a class by a path", json!({"className": "../platform"}), "write the name of an object"),
    ]
}
