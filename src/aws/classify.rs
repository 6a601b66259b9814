//! What an answer of AWS means. Codes are those on the wire, as many are not in the service models
//! (`Throttling`, `AccessDenied`, `ValidationError`).

use crate::error::{Category, Error};
use aws_sdk_iam::error::{ProvideErrorMetadata, SdkError};

/// A call that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AwsError {
    /// As `iam:CreateRole`, which is also what a policy has to allow.
    pub operation: &'static str,
    /// The code on the wire, if there was an answer of AWS at all.
    pub code: Option<String>,
    /// AWS's own words.
    pub text: String,
    /// What it means if the call itself knows nothing better.
    pub category: Category,
}

impl AwsError {
    /// It was not sent, because the operator stops. The next start goes on.
    pub fn stopping(operation: &'static str) -> Self {
        let text = "the operator is stopping".to_owned();
        Self { operation, code: None, text, category: Category::Transient }
    }

    /// Whether the answer had this code.
    pub fn is(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }

    /// For logs.
    pub fn label(&self) -> &str {
        self.code.as_deref().unwrap_or("no_answer")
    }

    /// For metrics: only codes that we know, or whoever answers would make up labels without end.
    pub fn metric_label(&self) -> &'static str {
        let Some(code) = self.code.as_deref() else { return "no_answer" };
        CODES.iter().find(|(known, _)| *known == code).map_or("other", |(known, _)| known)
    }

    /// Whether it is a denial that names the role and no ARN: AWS sees no such role, and so none of the tags that our
    /// policy asks for.
    pub fn names_no_arn(&self) -> bool {
        self.is("AccessDenied") && self.text.contains(" on resource: role ")
    }

    /// The same with another meaning.
    pub fn meaning(mut self, category: Category) -> Self {
        self.category = category;
        self
    }
}

impl From<AwsError> for Error {
    fn from(error: AwsError) -> Self {
        let AwsError { operation, text, category, .. } = &error;
        let message = match category {
            Category::Denied => format!("AWS refused {operation}, allow it to the operator: {text}"),
            Category::Credentials => format!("the operator's AWS credentials do not work ({operation}): {text}"),
            Category::Throttled => format!("AWS takes no more requests for now ({operation}): {text}"),
            Category::Transient => format!("no usable answer from AWS to {operation}: {text}"),
            Category::Missing => format!("{text} Make it, or correct what names it ({operation})."),
            Category::Quota => format!("a quota of the AWS account is used up ({operation}): {text}"),
            _ => format!("{operation}: {text}"),
        };
        Error::new(*category, message)
    }
}

/// What a failed call means.
pub(super) fn classify<E>(operation: &'static str, error: &SdkError<E>) -> AwsError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let code = error.code().map(str::to_owned);
    let category = match (error, code.as_deref()) {
        // A principal that was made a moment ago is not known everywhere yet (terraform-provider-aws#1388).
        (_, Some("MalformedPolicyDocument")) if error.message().is_some_and(|m| m.contains("Invalid principal")) => {
            Category::Settling
        }
        (_, Some(code)) => of_code(code),
        (SdkError::DispatchFailure(_), _) if is_provider_error(error) => Category::Credentials,
        _ => Category::Transient,
    };
    let text = match (error.message(), error) {
        (Some(text), _) if code.is_some() => text.to_owned(),
        (_, SdkError::TimeoutError(_)) => "the call took too long".to_owned(),
        (_, SdkError::ServiceError(service)) => format!("HTTP status {}", service.raw().status().as_u16()),
        _ => root_cause(error),
    };
    AwsError { operation, code, text, category }
}

/// What each code means. Whatever is not here says nothing, and is `Transient`.
const CODES: &[(&str, Category)] = &[
    ("MalformedPolicyDocument", Category::Invalid),
    ("InvalidInput", Category::Invalid),
    ("ValidationError", Category::Invalid),
    ("PolicyNotAttachable", Category::Invalid),
    ("UnmodifiableEntity", Category::Invalid),
    ("InvalidParameterException", Category::Invalid),
    ("InvalidRequestException", Category::Invalid),
    ("EntityAlreadyExists", Category::Conflict),
    ("NoSuchEntity", Category::Missing),
    ("ResourceNotFoundException", Category::Missing),
    ("InvalidClientTokenId", Category::Credentials),
    ("ExpiredToken", Category::Credentials),
    ("ExpiredTokenException", Category::Credentials),
    ("SignatureDoesNotMatch", Category::Credentials),
    ("UnrecognizedClientException", Category::Credentials),
    ("IncompleteSignature", Category::Credentials),
    ("MissingAuthenticationToken", Category::Credentials),
    ("InvalidIdentityToken", Category::Credentials),
    ("AccessDenied", Category::Denied),
    ("AccessDeniedException", Category::Denied),
    ("UnauthorizedOperation", Category::Denied),
    ("LimitExceeded", Category::Quota),
    ("Throttling", Category::Throttled),
    ("ThrottlingException", Category::Throttled),
    ("ThrottledException", Category::Throttled),
    ("RequestThrottled", Category::Throttled),
    ("RequestThrottledException", Category::Throttled),
    ("TooManyRequestsException", Category::Throttled),
    ("RequestLimitExceeded", Category::Throttled),
    ("SlowDown", Category::Throttled),
    ("PriorRequestNotComplete", Category::Throttled),
    ("DeleteConflict", Category::Settling),
    ("ConcurrentModification", Category::Settling),
    ("EntityTemporarilyUnmodifiable", Category::Settling),
    ("ServiceFailure", Category::Transient),
    ("ServiceUnavailable", Category::Transient),
    ("InternalFailure", Category::Transient),
    ("OpenIdIdpCommunicationError", Category::Transient),
];

fn of_code(code: &str) -> Category {
    CODES.iter().find(|(known, _)| *known == code).map_or(Category::Transient, |(_, category)| *category)
}

/// Credentials that could not be had show as a request that could not be sent.
fn is_provider_error(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<aws_credential_types::provider::error::CredentialsError>() {
            return true;
        }
        cause = error.source();
    }
    false
}

/// The last cause in the chain: the part that a person can act on, without the SDK's own layers.
fn root_cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
