//! Connections: hyper over our own accept loop, because an AWS that bites also ends connections badly.
//! Three ends: an answer; closed without a byte (the service fails, hyper writes nothing); reset (linger 0).

use std::cell::Cell;
use std::io::Write;
use std::pin::Pin;
use std::rc::Rc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

use crate::answer::{Cut, plain};
use crate::world::World;
use crate::{admin, chain};

const LARGEST_BODY: usize = 4 << 20;

pub async fn serve(world: Rc<World>, listen: &str) -> std::io::Result<()> {
    let listener = TcpListener::bind(listen).await?;
    println!("listening on http://{}", listener.local_addr()?);
    std::io::stdout().flush()?;
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                let _ = stream.set_nodelay(true);
                tokio::task::spawn_local(connection(Rc::clone(&world), stream, peer.ip()));
            }
            // Too many open files, or a client gone before it was accepted: the next one may do better.
            Err(_) => tokio::time::sleep(std::time::Duration::from_millis(5)).await,
        }
    }
}

async fn connection(world: Rc<World>, stream: TcpStream, peer: std::net::IpAddr) {
    let reset = Rc::new(Cell::new(false));
    let flag = Rc::clone(&reset);
    let service = service_fn(move |request: Request<Incoming>| {
        let (world, flag) = (Rc::clone(&world), Rc::clone(&flag));
        async move {
            let answer = answer(world, request, peer).await;
            if matches!(answer, Err(Cut::Reset)) {
                flag.set(true);
            }
            answer
        }
    });
    let mut connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let _ = Pin::new(&mut connection).await;
    if reset.get() {
        let stream = connection.into_parts().io.into_inner();
        let _ = stream.set_zero_linger();
    }
}

async fn answer(
    world: Rc<World>,
    request: Request<Incoming>,
    peer: std::net::IpAddr,
) -> Result<Response<Full<Bytes>>, Cut> {
    let (head, body) = request.into_parts();
    let body = match Limited::new(body, LARGEST_BODY).collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => return Ok(plain(413, "text/plain", "too large")),
    };
    if let Some(path) = head.uri.path().strip_prefix("/_admin/") {
        let path = path.trim_end_matches('/').to_owned();
        return Ok(admin::handle(&world, &head, &path, &body).await);
    }
    // A task of its own: a call that has been received is carried out, whether or not its client still waits.
    let call = tokio::task::spawn_local(chain::serve(world, head, body, peer));
    match call.await {
        Ok(answer) => answer,
        Err(_) => Ok(plain(500, "text/plain", "the emulator failed on this call: see its standard error")),
    }
}
