//! `GIT_TOKEN`: who may see it, and that nobody reads a piece of it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use reqwest::RequestBuilder;
use secrecy::{ExposeSecret, SecretString};
use url::{Origin, Url};

use crate::guard::Guard;

/// The name that goes with the token.
const USER: &str = "x-access-token";
/// How tokens begin whose kind is public: this is no part of the secret.
const KINDS: [&str; 8] = ["github_pat_", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "glpat-", "gldt-"];

/// The token and the only scheme, host and port that may see it.
#[derive(Debug, Clone)]
pub struct Login {
    token: Option<SecretString>,
    origin: Origin,
    guard: Guard,
}

impl Login {
    /// A login for the server of `url`.
    pub fn new(token: Option<&SecretString>, url: &Url) -> Self {
        let token = token.map(|token| token.expose_secret().trim()).filter(|token| !token.is_empty());
        let guard = Guard::new("GIT_TOKEN");
        if let Some(token) = token {
            guard.add(KINDS.iter().find_map(|kind| token.strip_prefix(kind)).unwrap_or(token));
            // The name and its colon are fifteen bytes, so that the token begins a group of its own in base64.
            guard.add(&STANDARD_NO_PAD.encode(token));
        }
        Self { token: token.map(SecretString::from), origin: url.origin(), guard }
    }

    /// Whether there is a token.
    pub fn is_known(&self) -> bool {
        self.token.is_some()
    }

    /// Whether `url` is at the server that the token is for.
    pub fn is_for(&self, url: &Url) -> bool {
        url.origin() == self.origin
    }

    /// Adds the token to a request for `url`; to one for another server nothing.
    pub fn sign(&self, request: RequestBuilder, url: &Url) -> RequestBuilder {
        match &self.token {
            Some(token) if self.is_for(url) => request.basic_auth(USER, Some(token.expose_secret())),
            _ => request,
        }
    }

    /// The start of somebody else's words for a line of ours, or nothing of them if they hold a piece of the token,
    /// as it is or as it is sent.
    pub fn quote(&self, words: &str) -> String {
        self.guard.quote(words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(token: &str) -> Login {
        Login::new(Some(&token.into()), &Url::parse("https://git.example/addon.git").unwrap())
    }

    #[test]
    fn words_that_hold_a_piece_are_not_repeated() {
        let token = "github_pat_11AVQZK0Y0y7x9q";
        let login = login(&format!(" {token}\n"));
        let sent = STANDARD_NO_PAD.encode(format!("{USER}:{token}"));
        for words in
            [token, "bad login 1AVQZ", "K0Y0y: no", &sent, &sent[30..35], "line\r\nVQZK0 end", "at 11avqz.example"]
        {
            let quoted = login.quote(words);
            assert!(quoted.starts_with("(not repeated"), "{quoted}");
        }
        for words in ["see https://github.com/a/b", "github_pat_ tokens must be renewed", "AVQZ"] {
            assert_eq!(login.quote(words), words);
        }
    }

    #[test]
    fn a_short_token_is_one_piece_and_no_token_is_none() {
        assert!(login("abc").quote("xabcx").starts_with("(not repeated"));
        let url = Url::parse("https://git.example").unwrap();
        assert_eq!(Login::new(None, &url).quote("any\nthing"), "any thing");
        assert!(!Login::new(Some(&" \n".into()), &url).is_known());
    }

    #[test]
    fn the_token_is_for_one_scheme_host_and_port() {
        let login = login("token");
        for (url, is_its) in [
            ("https://git.example/other/path", true),
            ("https://git.example:443/", true),
            ("http://git.example/addon.git", false),
            ("https://git.example:8443/addon.git", false),
            ("https://git.example.org/addon.git", false),
            ("https://user@git.example/", true),
        ] {
            let url = Url::parse(url).unwrap();
            let request = login.sign(crate::http::builder().build().unwrap().get(url.clone()), &url).build().unwrap();
            let sent = request.headers().get("authorization");
            assert_eq!(sent.is_some_and(|value| value.is_sensitive()), is_its, "{url}");
        }
    }
}
