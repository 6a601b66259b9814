//! What IAM is made of, as data: names, ARNs, documents, roles, owners. Knows neither Kubernetes nor the SDK.
