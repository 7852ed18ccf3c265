//! A real git server: git's own `http-backend` over loopback http, with a place before it where a test may answer
//! itself, and https with a count of the bytes.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, ensure};
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tempfile::TempDir;
use tokio::io::{AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::certificate::Certificate;

/// A question, as a test sees it.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Path and query.
    pub target: String,
    /// The header `Authorization`.
    pub authorization: Option<String>,
    /// What was sent.
    pub body: Vec<u8>,
}

/// Answers instead of git; `None`: git answers.
type Before = dyn Fn(&Asked) -> Option<Response> + Send + Sync;

struct Shared {
    root: PathBuf,
    before: Box<Before>,
    asked: Mutex<Vec<Asked>>,
}

/// The server with one empty repository, `addon.git`.
pub struct GitServer {
    folder: TempDir,
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl std::fmt::Debug for GitServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "GitServer({})", self.address)
    }
}

impl GitServer {
    /// Starts it on the current runtime, with which it ends.
    ///
    /// # Errors
    /// When git is missing or no port is free.
    pub async fn start(before: impl Fn(&Asked) -> Option<Response> + Send + Sync + 'static) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let shared =
            Arc::new(Shared { root: folder.path().to_owned(), before: Box::new(before), asked: Mutex::default() });
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let routes = axum::Router::new().fallback(answer).with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        let server = Self { folder, address, shared };
        let folder = server.repository();
        std::fs::create_dir(&folder)?;
        server.git(&["init", "--quiet", "--bare", "--initial-branch=main"])?;
        Ok(server)
    }

    /// The repository's address.
    pub fn url(&self) -> String {
        format!("http://{}/addon.git", self.address)
    }

    /// Scheme, host and port.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The repository's folder.
    pub fn repository(&self) -> PathBuf {
        self.folder.path().join("addon.git")
    }

    /// Everything it was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.shared.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What a git command prints that runs in the repository.
    ///
    /// # Errors
    /// When it fails.
    pub fn git(&self, arguments: &[&str]) -> Result<String> {
        git(&self.repository(), arguments)
    }

    /// https before it, on a port of its own; answers the repository's address and the bytes received so far.
    ///
    /// # Errors
    /// When the certificate is none or no port is free.
    pub async fn serve_https(&self, certificate: &Certificate) -> Result<(String, Arc<AtomicU64>)> {
        let key = PrivateKeyDer::Pkcs8(certificate.key.clone().into());
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der.clone().into()], key)?;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let (received, address) = (Arc::new(AtomicU64::new(0)), self.address);
        let count = Arc::clone(&received);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, count) = (acceptor.clone(), Arc::clone(&count));
                tokio::spawn(async move { forward(stream, &acceptor, address, &count).await });
            }
        });
        Ok((format!("https://localhost:{port}/addon.git"), received))
    }
}

/// What a git command prints that runs in `folder`, with nobody's settings.
///
/// # Errors
/// When it fails.
pub fn git(folder: &std::path::Path, arguments: &[&str]) -> Result<String> {
    let output = std::process::Command::new("git").args(arguments).current_dir(folder).envs(SETTINGS).output()?;
    ensure!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Nobody's settings, and somebody who commits.
const SETTINGS: [(&str, &str); 6] = [
    ("GIT_CONFIG_GLOBAL", "/dev/null"),
    ("GIT_CONFIG_NOSYSTEM", "1"),
    ("GIT_AUTHOR_NAME", "somebody"),
    ("GIT_AUTHOR_EMAIL", "somebody@example.org"),
    ("GIT_COMMITTER_NAME", "somebody"),
    ("GIT_COMMITTER_EMAIL", "somebody@example.org"),
];

/// Takes the encryption off a connection, counting what came in with it.
async fn forward(stream: TcpStream, acceptor: &TlsAcceptor, to: SocketAddr, count: &AtomicU64) -> Result<()> {
    let counted = counted::Counted { stream, count };
    let mut plain = acceptor.accept(counted).await?;
    let mut server = TcpStream::connect(to).await?;
    copy_bidirectional(&mut plain, &mut server).await?;
    Ok(())
}

/// A connection whose received bytes are counted.
mod counted {
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

    use super::{AtomicU64, Ordering, TcpStream};

    pub struct Counted<'a> {
        pub stream: TcpStream,
        pub count: &'a AtomicU64,
    }

    impl AsyncRead for Counted<'_> {
        fn poll_read(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<std::io::Result<()>> {
            let before = buffer.filled().len();
            let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
            self.count.fetch_add((buffer.filled().len() - before) as u64, Ordering::Relaxed);
            polled
        }
    }

    impl AsyncWrite for Counted<'_> {
        fn poll_write(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<std::io::Result<usize>> {
            Pin::new(&mut self.stream).poll_write(context, bytes)
        }

        fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
            Pin::new(&mut self.stream).poll_flush(context)
        }

        fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
            Pin::new(&mut self.stream).poll_shutdown(context)
        }
    }
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, usize::MAX).await else { return StatusCode::BAD_REQUEST.into_response() };
    let text = |name| parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let asked =
        Asked { target: parts.uri.to_string(), authorization: text(header::AUTHORIZATION), body: body.to_vec() };
    shared.asked.lock().unwrap_or_else(PoisonError::into_inner).push(asked.clone());
    if let Some(answer) = (shared.before)(&asked) {
        return answer;
    }
    let mut command = Command::new("git");
    command
        .args(["http-backend"])
        .envs(SETTINGS)
        .env("GIT_PROJECT_ROOT", &shared.root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("PATH_INFO", parts.uri.path())
        .env("QUERY_STRING", parts.uri.query().unwrap_or_default())
        .env("REQUEST_METHOD", parts.method.as_str())
        .env("CONTENT_TYPE", text(header::CONTENT_TYPE).unwrap_or_default())
        .env("CONTENT_LENGTH", body.len().to_string())
        .env("REMOTE_USER", "somebody");
    match run(command, &body).await {
        Ok(answer) => answer,
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// Runs a CGI program (RFC 3875).
async fn run(mut command: Command, body: &[u8]) -> Result<Response> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut input = child.stdin.take().context("no input")?;
    let feed = async {
        // It need not read all: a broken pipe is no fault.
        drop(input.write_all(body).await);
        drop(input);
    };
    let ((), output) = tokio::join!(feed, child.wait_with_output());
    let output = output?.stdout;
    let end = output.windows(4).position(|bytes| bytes == b"\r\n\r\n").context("no head")?;
    let (mut status, mut headers) = (StatusCode::OK, HeaderMap::new());
    for line in std::str::from_utf8(&output[..end])?.lines() {
        let (name, value) = line.split_once(": ").context("no header")?;
        if name == "Status" {
            status = value.split(' ').next().unwrap_or_default().parse()?;
        } else {
            headers.insert(header::HeaderName::try_from(name)?, value.parse()?);
        }
    }
    Ok((status, headers, Body::from(output[end + 4..].to_vec())).into_response())
}
