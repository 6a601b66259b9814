//! The attacks, one after another.

/// What is tried.
pub struct Attack {
    pub name: &'static str,
    /// The statements, as JSON text: so that keys can be there twice.
    pub statements: &'static str,
    /// A part of the refusal; `None` where it passes, as it gives nothing that is not allowed.
    pub refused: Option<&'static str>,
    /// Whether AWS, if it takes the document, gives something for it that the class does not. Where not, the
    /// refusal is for caution, or keeps away what AWS would refuse later.
    pub gains: bool,
}

const fn gains(name: &'static str, statements: &'static str, refused: &'static str) -> Attack {
    Attack { name, statements, refused: Some(refused), gains: true }
}

const fn refused(name: &'static str, statements: &'static str, refused: &'static str) -> Attack {
    Attack { name, statements, refused: Some(refused), gains: false }
}

const fn passes(name: &'static str, statements: &'static str) -> Attack {
    Attack { name, statements, refused: None, gains: false }
}

pub const ATTACKS: &[Attack] = &[
    passes(
        "what is meant",
        r#"{"Effect":"Allow","Action":["s3:GetObject","s3:Get*"],"Resource":"arn:aws:s3:::team-a/*"}"#,
    ),
    gains("everything", r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#, "* can be s3:DeleteObject"),
    gains(
        "every action",
        r#"{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::team-a/*"}"#,
        "* can be s3:DeleteObject",
    ),
    gains(
        "any service",
        r#"{"Effect":"Allow","Action":"*:PassRole","Resource":"arn:aws:s3:::team-a/*"}"#,
        "can be iam:PassRole",
    ),
    gains("a service by ?", r#"{"Effect":"Allow","Action":"?am:PassRole","Resource":"*"}"#, "can be iam:PassRole"),
    gains(
        "the class's own pattern",
        r#"{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::team-a/*"}"#,
        "s3:* can be s3:DeleteObject",
    ),
    gains(
        "sensitive by its beginning",
        r#"{"Effect":"Allow","Action":"s3:PutObjectA*","Resource":"arn:aws:s3:::team-a/*"}"#,
        "can be s3:PutObjectAcl",
    ),
    gains(
        "sensitive by ?",
        r#"{"Effect":"Allow","Action":"s3:PutObject?cl","Resource":"arn:aws:s3:::team-a/*"}"#,
        "can be s3:PutObjectAcl",
    ),
    gains(
        "sensitive by case",
        r#"{"Effect":"Allow","Action":"S3:putobjectacl","Resource":"arn:aws:s3:::team-a/*"}"#,
        "has to name it without a wildcard",
    ),
    gains(
        "a pattern of queues that holds a setter",
        r#"{"Effect":"Allow","Action":"sqs:*","Resource":"arn:aws:sqs:us-east-1:111122223333:team-a_q"}"#,
        "can be sqs:SetQueueAttributes",
    ),
    gains(
        "denied by case",
        r#"{"Effect":"Allow","Action":"s3:DELETEobject","Resource":"arn:aws:s3:::team-a/*"}"#,
        "denied by the class",
    ),
    gains(
        "denied by a pattern",
        r#"{"Effect":"Allow","Action":"s3:Delete*","Resource":"arn:aws:s3:::team-a/*"}"#,
        "which the class denies",
    ),
    gains(
        "denied by ?",
        r#"{"Effect":"Allow","Action":"s3:DeleteObjec?","Resource":"arn:aws:s3:::team-a/*"}"#,
        "which the class denies",
    ),
    gains(
        "another bucket",
        r#"{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::other/x"}"#,
        "is outside of what the class allows",
    ),
    gains(
        "a second resource",
        r#"{"Effect":"Allow","Action":"s3:GetObject","Resource":["arn:aws:s3:::team-a/*","arn:aws:s3:::other/x"]}"#,
        "Statement[0].Resource[1]",
    ),
    gains(
        "a second statement",
        r#"{"Effect":"Deny","Action":"*","Resource":"arn:aws:s3:::x"},{"Effect":"Allow","Action":"iam:PassRole","Resource":"*"}"#,
        "Statement[1].Action",
    ),
    gains(
        "the neighbour's by *",
        r#"{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::team-a*/x"}"#,
        "is outside of",
    ),
    gains(
        "the neighbour's by ?",
        r#"{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::team-?/x"}"#,
        "is outside of",
    ),
    gains(
        "the list of the neighbour's",
        r#"{"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::team-a*"}"#,
        "is outside of",
    ),
    gains(
        "? of the class by *",
        r#"{"Effect":"Allow","Action":"sqs:SendMessage","Resource":"arn:aws:sqs:*:111122223333:team-a_*"}"#,
        "is outside of",
    ),
    refused(
        "? of the class by ?",
        r#"{"Effect":"Allow","Action":"sqs:SendMessage","Resource":"arn:aws:sqs:*:111122223333:team-a_?"}"#,
        "is outside of",
    ),
    refused(
        "? of the class by a variable",
        r#"{"Effect":"Allow","Action":"sqs:SendMessage","Resource":"arn:aws:sqs:*:111122223333:team-a_${aws:x}"}"#,
        "nothing but a * of the class covers it",
    ),
    gains(
        "another account",
        r#"{"Effect":"Allow","Action":"sqs:SendMessage","Resource":"arn:aws:sqs:us-east-1:*:team-a_q"}"#,
        "is outside of",
    ),
    refused(
        "another account over colons",
        r#"{"Effect":"Allow","Action":"sqs:SendMessage","Resource":"arn:aws:sqs:*:111122223333:team-a_q:111122223333:team-a_q"}"#,
        "is outside of",
    ),
    passes(
        "one queue",
        r#"{"Effect":"Allow","Action":"sqs:SendMessage","Resource":"arn:aws:sqs:*:111122223333:team-a_q"}"#,
    ),
    gains(
        "an ARN cut short",
        r#"{"Effect":"Allow","Action":"sqs:SendMessage","Resource":"arn:aws:sqs"}"#,
        "has not all six parts",
    ),
    gains(
        "an ARN cut shorter",
        r#"{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws"}"#,
        "has not all six parts",
    ),
    gains(
        "a * for the rest",
        r#"{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:*"}"#,
        "has not all six parts",
    ),
    gains(
        "a variable for the bucket",
        r#"{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::${aws:PrincipalTag/bucket}/x"}"#,
        "nothing but a * of the class covers it",
    ),
    passes(
        "a variable below the bucket",
        r#"{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::team-a/${aws:PrincipalTag/bucket}"}"#,
    ),
    refused(
        "a variable without an end",
        r#"{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::team-a/${aws:x"}"#,
        "holds a $",
    ),
    refused(
        "a variable in a variable",
        r#"{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::team-a/${aws:${aws:x}}"}"#,
        "holds a $",
    ),
    refused(
        "a brace in quotes",
        r#"{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::team-a/${aws:x, 'a}b'}"}"#,
        "holds a $",
    ),
    gains(
        "a variable of the binding",
        r#"{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::$(name)/x"}"#,
        "is outside of",
    ),
    refused(
        "U+212A for k",
        "{\"Effect\":\"Allow\",\"Action\":\"\u{212a}ms:CreateGrant\",\"Resource\":\"arn:aws:s3:::team-a/*\"}",
        "which IAM refuses",
    ),
    refused(
        "U+017F for s",
        "{\"Effect\":\"Allow\",\"Action\":\"\u{17f}3:GetObject\",\"Resource\":\"arn:aws:s3:::team-a/*\"}",
        "which IAM refuses",
    ),
    refused(
        "a letter of Latin-1",
        r#"{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::team-a/é"}"#,
        "only ASCII",
    ),
    gains(
        "NotAction",
        r#"{"Effect":"Allow","NotAction":"s3:GetObject","Resource":"arn:aws:s3:::team-a/*"}"#,
        "allows all but what it lists",
    ),
    gains(
        "NotResource",
        r#"{"Effect":"Allow","Action":"s3:GetObject","NotResource":"arn:aws:s3:::team-a/*"}"#,
        "allows all but what it lists",
    ),
    passes(
        "NotAction that denies",
        r#"{"Effect":"Deny","NotAction":"s3:GetObject","NotResource":"arn:aws:s3:::team-a/*"}"#,
    ),
    gains(
        "Action twice, the second worse",
        r#"{"Effect":"Allow","Action":"s3:GetObject","Action":"iam:PassRole","Resource":"arn:aws:s3:::team-a/*"}"#,
        "has to name it",
    ),
    passes(
        "Action twice, the first worse",
        r#"{"Effect":"Allow","Action":"iam:PassRole","Action":"s3:GetObject","Resource":"arn:aws:s3:::team-a/*"}"#,
    ),
    gains(
        "Effect twice",
        r#"{"Effect":"Deny","Effect":"Allow","Action":"iam:PassRole","Resource":"*"}"#,
        "has to name it",
    ),
    gains(
        "escapes",
        r#"{"Effect":"Allow","\u0041ction":"i\u0061m:\u002a","Resource":"\u002a"}"#,
        "iam:* can be iam:PassRole",
    ),
    refused(
        "action beside Action",
        r#"{"Effect":"Allow","Action":"s3:GetObject","action":"iam:*","Resource":"arn:aws:s3:::team-a/*"}"#,
        "Action is there already",
    ),
    refused("another key's case", r#"{"effect":"Allow","action":"iam:*","resource":"*"}"#, "did you mean"),
    refused(
        "an effect's case",
        r#"{"Effect":"allow","Action":"iam:*","Resource":"*"}"#,
        "must be \"Allow\" or \"Deny\"",
    ),
    refused("lists in lists", r#"{"Effect":"Allow","Action":[["iam:*"]],"Resource":"*"}"#, "must be a string"),
    refused("an empty list", r#"{"Effect":"Allow","Action":"s3:GetObject","Resource":[]}"#, "is an empty list"),
    gains("no Resource", r#"{"Effect":"Allow","Action":"s3:GetObject"}"#, "is missing"),
    refused(
        "a principal",
        r#"{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::team-a/*"}"#,
        "does not belong",
    ),
    gains(
        "what a JSON library takes for its own",
        r#"{"$serde_json::private::RawValue":"{\"Effect\":\"Allow\",\"Action\":\"iam:PassRole\",\"Resource\":\"*\"}"}"#,
        "has to name it",
    ),
    gains(
        "a condition that always holds",
        r#"{"Effect":"Allow","Action":"iam:PassRole","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"true"}}}"#,
        "has to name it",
    ),
    gains(
        "a pair of two rules",
        r#"{"Effect":"Allow","Action":["s3:GetObject","sqs:SendMessage"],"Resource":["arn:aws:s3:::team-a/*","arn:aws:sqs:us-east-1:*:team-a_q"]}"#,
        "is outside of",
    ),
];
