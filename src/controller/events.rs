//! Events leave by a bounded channel and a task of their own: one that can't be written delays and fails nothing.

use super::api::{self, ApiError};
use crate::status::Notice;
use k8s_openapi::api::core::v1::ObjectReference;
use kube::Client;
use kube_runtime::events::{Event, EventType, Recorder, Reporter};
use tokio::sync::mpsc;
use tracing::{debug, warn};

/// More than this many unwritten Events mean that the API server takes none; the rest is dropped.
const QUEUE: usize = 1000;

/// Where Events are handed in.
#[derive(Clone, Debug)]
pub struct Events(mpsc::Sender<(ObjectReference, Notice)>);

impl Events {
    /// Starts the task that writes them. It ends when the last handle is gone and all is written.
    pub fn start(client: Client) -> (Self, tokio::task::JoinHandle<()>) {
        let (sender, receiver) = mpsc::channel(QUEUE);
        (Self(sender), tokio::spawn(write(client, receiver)))
    }

    /// Hands in an Event.
    pub fn send(&self, object: ObjectReference, notice: Notice) {
        if self.0.try_send((object, notice)).is_err() {
            debug!("too many unwritten Events, one was dropped");
        }
    }
}

async fn write(client: Client, mut receiver: mpsc::Receiver<(ObjectReference, Notice)>) {
    let instance = std::env::var("POD_NAME").ok();
    let recorder = Recorder::new(client, Reporter { controller: crate::api::names::MANAGER.to_owned(), instance });
    while let Some((object, notice)) = receiver.recv().await {
        let event = Event {
            type_: if notice.warning { EventType::Warning } else { EventType::Normal },
            reason: notice.reason.to_owned(),
            note: Some(notice.note),
            action: notice.action.to_owned(),
            secondary: None,
        };
        match api::send("write an Event", recorder.publish(&event, &object)).await {
            Ok(()) | Err(ApiError::Terminating | ApiError::Stale | ApiError::NotFound) => {}
            Err(error) => warn!(object = object.name, ?error, "an Event could not be written"),
        }
    }
}
