//! A git server over http or https, with the protocol of "smart" servers (gitprotocol-http, version 0): the newest
//! commit of one branch is fetched without its history, and a thin pack is pushed.
//!
//! libgit2's own client is not used: it pushes whole files, and gives the login to whomever it is sent to.

mod address;
mod answers;
mod login;
mod pkt_line;
mod redirect;
mod status;
mod trust;

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, anyhow};
use futures::stream;
use git2::Oid;
use parsebook_core::ports::PublishError;
use reqwest::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE};
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use secrecy::SecretString;
use url::Url;

pub use self::answers::read_all as read_answers;
use self::answers::{Advertisement, Band, Report, Told};
use self::login::Login;
use super::{Moved, is_lock};

/// A server that is silent for so long is given up.
const SILENCE: Duration = Duration::from_secs(60);
/// The longest list of references and the longest report that are read, in bytes.
const LONGEST_ANSWER: usize = 16 << 20;
/// The largest pack that is fetched, in bytes: `/tmp` of a Lambda has 512 MB.
const LARGEST_PACK: u64 = 400 << 20;
/// A push of more bytes is begun by an empty one, as git does it.
const LONG_PUSH: u64 = 1 << 20;
/// Servers tell git from a browser by how this begins.
const USER_AGENT: &str = concat!("git/2 (parsebook ", env!("CARGO_PKG_VERSION"), ")");

/// What is asked of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Service {
    Fetch,
    Push,
}

impl Service {
    fn name(self) -> &'static str {
        match self {
            Self::Fetch => "git-upload-pack",
            Self::Push => "git-receive-pack",
        }
    }
}

/// How a server takes a push.
#[derive(Debug)]
pub struct Receiver {
    /// Whether it takes a pack whose deltas are against objects outside it.
    pub takes_deltas: bool,
    in_bands: bool,
}

/// A repository at such a server.
#[derive(Debug)]
pub struct HttpServer {
    client: Client,
    /// Where the repository is; moves with a redirect at the same server.
    base: Url,
    login: Login,
    /// The server wants the login: it has asked for it before.
    is_asked: bool,
}

impl HttpServer {
    /// Nothing is sent yet.
    ///
    /// # Errors
    /// When `url` is no address that git can use, or TLS cannot be set up.
    pub fn new(url: &str, token: Option<&SecretString>) -> anyhow::Result<Self> {
        let base = address::checked(url)?;
        let client = Client::builder()
            .tls_backend_preconfigured(trust::of_the_system()?)
            .user_agent(USER_AGENT)
            .connect_timeout(Duration::from_secs(10))
            .read_timeout(SILENCE)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .context("setting up the HTTP client")?;
        Ok(Self { client, login: Login::new(token, &base), base, is_asked: false })
    }

    /// The server's name for people: scheme, host and port.
    pub fn name(&self) -> String {
        self.login.quote(&self.base.origin().ascii_serialization())
    }

    /// Where the branch is.
    ///
    /// # Errors
    /// When the server refuses or is none.
    pub async fn tip(&mut self, reference: &str) -> Result<Option<Oid>, PublishError> {
        Ok(self.advertisement(Service::Fetch, reference).await?.tip)
    }

    /// Whether the branch is there, from a server that would take a push of this login.
    ///
    /// # Errors
    /// [`PublishError::PushRejected`] where it would not.
    pub async fn may_push(&mut self, reference: &str) -> Result<bool, PublishError> {
        let advertisement = self.advertisement(Service::Push, reference).await?;
        self.try_login().await?;
        Ok(advertisement.tip.is_some())
    }

    /// Pushes nothing: git itself tries a login this way before it sends much. A server that refuses a long push may
    /// close the connection before it has read all of it, and then nobody sees why.
    async fn try_login(&mut self) -> Result<(), PublishError> {
        self.post(Service::Push, || Ok(pkt_line::FLUSH.into()), pkt_line::FLUSH.len() as u64).await?;
        Ok(())
    }

    /// Writes the pack of commit `tip`, without its history, into `pack`.
    ///
    /// # Errors
    /// When the server refuses, breaks off or sends no pack.
    pub async fn fetch(&mut self, tip: Oid, pack: &mut File) -> Result<(), PublishError> {
        let wanted = format!("want {tip} side-band-64k ofs-delta no-progress agent=parsebook\n");
        let lines =
            [&pkt_line::line(&wanted), &pkt_line::line("deepen 1\n"), pkt_line::FLUSH, &pkt_line::line("done\n")];
        let question = lines.concat();
        let length = question.len() as u64;
        let mut response = self.post(Service::Fetch, || Ok(question.clone().into()), length).await?;
        let (mut waiting, mut written) = (Vec::new(), 0);
        while let Some(chunk) = response.chunk().await.map_err(|error| self.broken(error))? {
            waiting.extend_from_slice(&chunk);
            let mut rest = waiting.as_slice();
            while let Some(band) = answers::take_band(&mut rest).map_err(|error| self.told(error))? {
                if let Band::Data(data) = band {
                    written += data.len() as u64;
                    if written > LARGEST_PACK {
                        return Err(anyhow!("the branch is larger than {} MB", LARGEST_PACK >> 20).into());
                    }
                    pack.write_all(data).context("storing what was fetched")?;
                }
            }
            let taken = waiting.len() - rest.len();
            waiting.drain(..taken);
        }
        if written == 0 {
            return Err(anyhow!("{} sent no pack", self.name()).into());
        }
        Ok(())
    }

    /// Begins a push onto `tip`; `None` where the branch is not there any more.
    ///
    /// # Errors
    /// [`PublishError::PushRejected`] where the server takes no push of this login.
    pub async fn begin_push(&mut self, reference: &str, tip: Option<Oid>) -> Result<Option<Receiver>, PublishError> {
        let server = self.advertisement(Service::Push, reference).await?;
        let receiver = Receiver { takes_deltas: !server.is_able("no-thin"), in_bands: server.is_able("side-band-64k") };
        Ok((server.tip == tip).then_some(receiver))
    }

    /// Moves the branch from `tip` to `commit`, if it is still at `tip`. `pack` is a file with what the server lacks.
    ///
    /// # Errors
    /// [`PublishError::PushRejected`] where the server does not want it.
    pub async fn push(
        &mut self,
        receiver: &Receiver,
        reference: &str,
        tip: Option<Oid>,
        commit: Oid,
        pack: &Path,
    ) -> Result<Moved, PublishError> {
        let bands = if receiver.in_bands { " side-band-64k" } else { "" };
        let old = tip.unwrap_or(Oid::ZERO_SHA1);
        // The server compares `old` with where the branch is: a push of somebody else's in between is not overwritten.
        let command = format!("{old} {commit} {reference}\0 report-status{bands} agent=parsebook");
        let head = [&pkt_line::line(&command), pkt_line::FLUSH].concat();
        let length = head.len() as u64 + pack.metadata().context("the pack")?.len();
        if length > LONG_PUSH {
            self.try_login().await?;
        }
        let mut response = self.post(Service::Push, || body(head.clone(), pack), length).await?;
        let answer = self.read(&mut response).await?;
        let (report, words) = if receiver.in_bands { self.unbanded(&answer)? } else { (answer, String::new()) };
        match answers::report(&report, reference)? {
            Report::Moved => Ok(Moved::Done),
            Report::Refused(_) if self.advertisement(Service::Push, reference).await?.tip != tip => Ok(Moved::Lost),
            Report::Refused(reason) if is_lock(&reason) => Ok(Moved::Lost),
            Report::Refused(reason) => Err(PublishError::PushRejected(self.refusal(&reason, &words))),
        }
    }

    /// Why the server refused: its reason, and what it tells the person who waits.
    fn refusal(&self, reason: &str, words: &str) -> String {
        let mut told = self.login.quote(reason);
        if reason.contains("non-fast-forward") {
            told += ": it does not take a replaced history (GIT_HISTORY)";
        }
        match self.login.quote(words) {
            words if words.is_empty() => told,
            words => format!("{told} ({words})"),
        }
    }

    /// The report in an answer in bands, and the words beside it.
    fn unbanded(&self, answer: &[u8]) -> anyhow::Result<(Vec<u8>, String)> {
        let (mut rest, mut report, mut words) = (answer, Vec::new(), Vec::new());
        while let Some(band) = answers::take_band(&mut rest).map_err(|error| self.told(error))? {
            match band {
                Band::Data(data) => report.extend_from_slice(data),
                Band::Words(data) => words.extend_from_slice(data),
                Band::Other => {}
            }
        }
        Ok((report, String::from_utf8_lossy(&words).into_owned()))
    }

    /// Asks for the list of references, and follows the server where it moved the repository.
    async fn advertisement(&mut self, service: Service, reference: &str) -> Result<Advertisement, PublishError> {
        for _ in 0..=redirect::MOST {
            let mut url = address::below(&self.base, "info/refs");
            url.set_query(Some(&format!("service={}", service.name())));
            let mut response = self.send(&url, |client| Ok(client.get(url.clone()))).await?;
            if let Some(target) = redirect::target(&response, &url) {
                let target = target.with_context(|| format!("{} redirects to no address", self.name()))?;
                if !self.login.is_for(&target) {
                    return Err(self.foreign(&target).into());
                }
                self.base = redirect::repository(&target)
                    .with_context(|| format!("{} redirects to what is no git repository", self.name()))?;
                continue;
            }
            self.check(service, &response)?;
            let body = self.read(&mut response).await?;
            let advertisement = answers::advertisement(&body, service.name(), reference);
            return Ok(advertisement.map_err(|error| self.told(error).context(self.name()))?);
        }
        Err(anyhow!("{} redirects in a circle", self.name()).into())
    }

    fn foreign(&self, target: &Url) -> anyhow::Error {
        let target = self.login.quote(&target.origin().ascii_serialization());
        anyhow!("{} redirects to {target}: neither the login nor the data go there (GIT_REPOSITORY_URL)", self.name())
    }

    async fn post(
        &mut self,
        service: Service,
        body: impl Fn() -> anyhow::Result<reqwest::Body>,
        length: u64,
    ) -> Result<Response, PublishError> {
        let url = address::below(&self.base, service.name());
        let kind = |what: &str| format!("application/x-{}-{what}", service.name());
        let request = |client: &Client| {
            let request = client.post(url.clone()).header(CONTENT_TYPE, kind("request")).header(ACCEPT, kind("result"));
            Ok(request.header(CONTENT_LENGTH, length).body(body()?))
        };
        let response = self.send(&url, request).await?;
        if let Some(target) = redirect::target(&response, &url) {
            let target = target.with_context(|| format!("{} redirects to no address", self.name()))?;
            return Err(self.foreign(&target).into());
        }
        self.check(service, &response)?;
        Ok(response)
    }

    /// Sends what `request` makes; once more with the login, where the server asks for one.
    async fn send(
        &mut self,
        url: &Url,
        request: impl Fn(&Client) -> anyhow::Result<RequestBuilder>,
    ) -> anyhow::Result<Response> {
        loop {
            let mut made = request(&self.client)?;
            if self.is_asked {
                made = self.login.sign(made, url);
            }
            let response = made.send().await.map_err(|error| self.broken(error))?;
            // Some servers hide from strangers what they would show after a login.
            let is_closed =
                matches!(response.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND);
            if !is_closed || self.is_asked || !self.login.is_known() {
                return Ok(response);
            }
            self.is_asked = true;
        }
    }

    fn check(&self, service: Service, response: &Response) -> Result<(), PublishError> {
        let refusal = status::refusal(response, service, &self.name(), self.login.is_known());
        refusal.map_or(Ok(()), Err)
    }

    async fn read(&self, response: &mut Response) -> anyhow::Result<Vec<u8>> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.broken(error))? {
            anyhow::ensure!(body.len() + chunk.len() <= LONGEST_ANSWER, "the answer of {} has no end", self.name());
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    /// A connection that failed, without the address, which may hold anything.
    fn broken(&self, error: reqwest::Error) -> anyhow::Error {
        let error = anyhow::Error::from(error.without_url());
        anyhow!("no answer from {}: {}", self.name(), self.login.quote(&format!("{error:#}")))
    }

    /// Errors in the server's own words are quoted with care.
    fn told(&self, error: anyhow::Error) -> anyhow::Error {
        match error.downcast::<Told>() {
            Ok(Told(words)) => anyhow!("the git server says: {}", self.login.quote(&words)),
            Err(error) => error,
        }
    }
}

/// `head` and then the file, read as it is sent.
fn body(head: Vec<u8>, file: &Path) -> anyhow::Result<reqwest::Body> {
    let file = File::open(file).context("opening the pack")?;
    let parts = stream::try_unfold((Some(head), file), async |(head, mut file)| {
        if let Some(head) = head {
            return Ok::<_, std::io::Error>(Some((head, (None, file))));
        }
        let mut part = vec![0; 1 << 16];
        let length = file.read(&mut part)?;
        part.truncate(length);
        Ok((length > 0).then_some((part, (None, file))))
    });
    Ok(reqwest::Body::wrap_stream(parts))
}
