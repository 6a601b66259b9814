//! Events leave by a bounded channel and a task of their own: one that can't be written delays and fails nothing.
//!
//! kube's `Recorder` is left aside: it counts Events of one reason as repetitions and keeps the first one's note, while
//! ours are sent on transitions only and each says something else.

use super::api::{self, ApiError};
use crate::api::names::MANAGER;
use crate::status::Notice;
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use k8s_openapi::jiff::Timestamp;
use kube::Client;
use kube::api::{Api, PostParams};
use tokio::sync::mpsc;
use tracing::{debug, warn};

/// More than this many unwritten Events mean that the API server takes none; the rest is dropped.
const QUEUE: usize = 1000;

/// Where Events are handed in.
#[derive(Clone, Debug)]
pub struct Events(mpsc::Sender<Event>);

impl Events {
    /// Starts the task that writes them. It ends when the last handle is gone and all is written.
    pub fn start(client: Client) -> (Self, tokio::task::JoinHandle<()>) {
        let (sender, receiver) = mpsc::channel(QUEUE);
        (Self(sender), tokio::spawn(write(client, receiver)))
    }

    /// Hands in an Event.
    pub fn send(&self, object: ObjectReference, notice: Notice) {
        if self.0.try_send(event(object, notice)).is_err() {
            debug!("too many unwritten Events, one was dropped");
        }
    }
}

/// Events of what lives in no namespace live in `default`, where kubectl looks for them.
fn event(object: ObjectReference, notice: Notice) -> Event {
    Event {
        metadata: ObjectMeta {
            generate_name: object.name.as_ref().map(|name| format!("{name}-")),
            namespace: Some(object.namespace.clone().unwrap_or_else(|| "default".to_owned())),
            ..ObjectMeta::default()
        },
        type_: Some(if notice.warning { "Warning" } else { "Normal" }.to_owned()),
        reason: Some(notice.reason.to_owned()),
        action: Some(notice.action.to_owned()),
        note: Some(notice.note),
        regarding: Some(object),
        reporting_controller: Some(MANAGER.to_owned()),
        reporting_instance: Some(std::env::var("POD_NAME").unwrap_or_else(|_| MANAGER.to_owned())),
        event_time: Some(MicroTime(Timestamp::now())),
        ..Event::default()
    }
}

async fn write(client: Client, mut receiver: mpsc::Receiver<Event>) {
    while let Some(event) = receiver.recv().await {
        let namespace = event.metadata.namespace.clone().unwrap_or_default();
        let api: Api<Event> = Api::namespaced(client.clone(), &namespace);
        let params = PostParams::default();
        match api::send("write an Event", api.create(&params, &event)).await {
            Ok(_) | Err(ApiError::Terminating | ApiError::Stale | ApiError::NotFound) => {}
            Err(error) => warn!(note = event.note, ?error, "an Event could not be written"),
        }
    }
}
