//! Bearer tokens of the Docker token flow: what was asked for, cut down to what is allowed, signed for a while.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest;
use hythe_metadata::user::User;
use hythe_metadata::{refresh_token, revocation};
use hythe_oci::error_code::ErrorCode;
use hythe_oci::name::RepositoryName;
use hythe_oci::scope::{Action, Scope};
use jsonwebtoken::{Algorithm, Header, Validation};
use moka::sync::Cache;

use crate::Registry;
use crate::access::{Caller, Origin, Principal, TagLimit, Through};
use crate::audit::Entry;
use crate::claims::{Access, Claims};
use crate::clock;
use crate::configuration::items::TOKEN_EXPIRATION;
use crate::error::{Error, Kind, Result};
use crate::passwords::random_secret;
use crate::revocations::subjects;

/// The audience of every token and the `service` of every challenge. It names the product and not a host, so
/// that a token is good on every node under every name.
pub const SERVICE: &str = "hythe-registry";

const ISSUER: &str = "hythe";

/// Of a user's refresh tokens so many stay: whoever signs in from more places signs in again where it was longest ago.
const REFRESH_TOKENS_AT_MOST: u32 = 100;

/// Clocks of nodes may differ by this much.
const LEEWAY_SECONDS: i64 = 60;

/// The most that `token_expiration` can be set to.
const LONGEST_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// A token that was checked once is known by its hash until it expires.
const VERIFIED_AT_MOST: u64 = 20_000;

/// A token and what its answer says about it. No `Debug`: it holds the tokens themselves.
pub struct IssuedToken {
    /// The signed token.
    pub token: String,
    /// When it was made, microseconds since the epoch.
    pub issued_at: clock::Micros,
    /// Its life in seconds.
    pub expires_in: u64,
    /// What it grants, in the form in which scopes are asked for.
    pub scope: String,
    /// A refresh token, if one was asked for and somebody signed in.
    pub refresh_token: Option<String>,
}

/// Why a bearer token is not accepted.
const BAD_TOKEN: &str =
    "the token is not valid: it has expired, or was not made by this registry; sign in again";

/// As [`BAD_TOKEN`], for one that was good.
const REVOKED: &str =
    "the token was revoked: its user, robot, personal token or trust rule was changed; sign in again";

/// Tokens whose signature has been checked, by their SHA-256.
pub(crate) struct VerifiedTokens(Cache<[u8; 32], Arc<Claims>>);

impl Default for VerifiedTokens {
    fn default() -> Self {
        VerifiedTokens(
            Cache::builder().max_capacity(VERIFIED_AT_MOST).time_to_live(Duration::from_secs(600)).build(),
        )
    }
}

impl Registry {
    /// Makes a token for the caller with those of the wanted scopes that are allowed.
    pub async fn issue_token(&self, caller: &Caller, wanted: &[Scope], offline: bool) -> Result<IssuedToken> {
        let mut access = Vec::new();
        for scope in wanted {
            access.extend(self.grant(caller, scope).await?);
        }
        let refresh_token = match &caller.principal {
            Principal::User(user) if offline && caller.limit.is_none() => {
                Some(self.create_refresh_token(user).await?)
            }
            _ => None,
        };
        if wanted.is_empty() {
            self.tell_sign_in(caller).await?;
        }
        let now = clock::now();
        let mut claims = self.claims(caller, access, now)?;
        claims.rev = self.newest_revocation(&claims).await?;
        let token = self.sign(&claims).await?;
        Ok(IssuedToken {
            token,
            issued_at: now,
            expires_in: self.token_lifetime().as_secs(),
            scope: scope_text(&claims.access),
            refresh_token,
        })
    }

    /// The part of one scope that the caller is allowed; nothing rather than an error where nothing is.
    async fn grant(&self, caller: &Caller, scope: &Scope) -> Result<Vec<Access>> {
        if scope.is_catalog() {
            return Ok(vec![Access {
                kind: scope.kind.clone(),
                name: scope.name.clone(),
                actions: vec!["*".to_owned()],
                tags: None,
            }]);
        }
        let Some(repository) = scope.find_repository() else { return Ok(Vec::new()) };
        let allowed = self.allowed_actions(caller, &repository, scope.actions).await?;
        Ok(entries(&repository, &allowed))
    }

    fn claims(&self, caller: &Caller, access: Vec<Access>, now: clock::Micros) -> Result<Claims> {
        let (uid, rid) = match &caller.principal {
            Principal::User(user) => (Some(user.id), None),
            Principal::Robot(robot) => (None, Some(robot.id)),
            Principal::Anonymous | Principal::Token(_) | Principal::Operator => (None, None),
        };
        let (pat, rule) = match caller.through {
            Through::PersonalToken(id) => (Some(id), None),
            Through::TrustRule(id) => (None, Some(id)),
            _ => (None, None),
        };
        let issued = clock::seconds(now);
        let lifetime = i64::try_from(self.token_lifetime().as_secs()).unwrap_or(i64::MAX);
        Ok(Claims {
            iss: ISSUER.to_owned(),
            sub: caller.name().unwrap_or_default().to_owned(),
            aud: SERVICE.to_owned(),
            exp: issued.saturating_add(lifetime),
            nbf: issued,
            iat: issued,
            jti: random_secret()?,
            uid,
            rid,
            rev: 0,
            pat,
            rule,
            access,
        })
    }

    /// A token that asks for nothing is how a client tries whether its credentials are right: `docker login`.
    /// What a trust rule lets in was told of before.
    async fn tell_sign_in(&self, caller: &Caller) -> Result<()> {
        if matches!(caller.through, Through::TrustRule(_)) {
            return Ok(());
        }
        let Some(name) = caller.name() else { return Ok(()) };
        let entry = Entry::new(caller, "login", "user", name);
        self.database
            .transaction(move |c| {
                let entry = entry.clone();
                Box::pin(async move { entry.write(c).await })
            })
            .await?;
        Ok(())
    }

    async fn newest_revocation(&self, claims: &Claims) -> Result<i64> {
        let subjects = subjects(claims);
        if subjects.is_empty() {
            return Ok(0);
        }
        let mut c = self.database.connect().await?;
        Ok(revocation::newest(&mut c, &subjects).await?)
    }

    async fn sign(&self, claims: &Claims) -> Result<String> {
        self.with_signing_key(|key| {
            let mut header = Header::new(Algorithm::ES256);
            header.kid = Some(key.id.clone());
            jsonwebtoken::encode(&header, claims, &key.signing)
                .map_err(|error| Error::internal("the token could not be signed", error))
        })
        .await
    }

    /// Checks a token: made by one of our keys, for this service, and alive.
    pub async fn verify_token(&self, token: &str) -> Result<Arc<Claims>> {
        let hash = sha256(token.as_bytes());
        let known = self.verified_tokens.0.get(&hash).filter(|claims| alive(claims));
        let claims = match known {
            Some(claims) => claims,
            None => {
                let claims = Arc::new(self.check_token(token).await?);
                self.verified_tokens.0.insert(hash, claims.clone());
                claims
            }
        };
        if self.revocations.refuse(&claims) {
            return Err(Error::unauthenticated(REVOKED));
        }
        Ok(claims)
    }

    async fn check_token(&self, token: &str) -> Result<Claims> {
        let bad = |cause: String| {
            Error::new(Kind::Unauthenticated, ErrorCode::Unauthorized, BAD_TOKEN).with_cause(cause)
        };
        let header = jsonwebtoken::decode_header(token).map_err(|error| bad(error.to_string()))?;
        let id = header.kid.ok_or_else(|| bad("no key id".to_owned()))?;
        let checked = self
            .with_checking_key(&id, |key| jsonwebtoken::decode::<Claims>(token, &key.checking, &validation()))
            .await?;
        match checked {
            None => Err(bad(format!("unknown key id {}", id.escape_debug()))),
            Some(Err(error)) => Err(bad(error.to_string())),
            Some(Ok(token)) if !begun(&token.claims) => Err(bad("it is not valid yet".to_owned())),
            Some(Ok(token)) if !alive(&token.claims) => Err(bad("it has expired".to_owned())),
            Some(Ok(token)) => Ok(token.claims),
        }
    }

    /// What an administrator set at run time, else what the node was started with.
    fn token_lifetime(&self) -> Duration {
        let minutes = self
            .configuration()
            .number_set(&TOKEN_EXPIRATION)
            .and_then(|minutes| u64::try_from(minutes).ok());
        minutes.map_or(self.options.token_lifetime, |minutes| Duration::from_secs(minutes * 60))
    }

    /// How long a token that exists can live at most, whatever an administrator has set since it was made.
    pub(crate) fn longest_token_lifetime(&self) -> Duration {
        self.options.token_lifetime.max(LONGEST_LIFETIME)
    }

    /// Makes a refresh token: opaque, kept as a hash.
    async fn create_refresh_token(&self, user: &User) -> Result<String> {
        let secret = random_secret()?;
        let hash = sha256(secret.as_bytes()).to_vec();
        let (user_id, now) = (user.id, clock::now());
        let expires_at = now.saturating_add(clock::micros(self.options.refresh_token_lifetime));
        self.database
            .transaction(move |c| {
                let hash = hash.clone();
                Box::pin(async move {
                    refresh_token::insert(c, &hash, user_id, SERVICE, now, expires_at).await?;
                    refresh_token::delete_oldest(c, user_id, REFRESH_TOKENS_AT_MOST).await
                })
            })
            .await?;
        Ok(secret)
    }

    /// Who a refresh token was made for.
    pub async fn verify_refresh_token(&self, secret: &str, origin: &Arc<Origin>) -> Result<Caller> {
        let hash = sha256(secret.as_bytes());
        let mut connection = self.database.connect().await?;
        let user = match refresh_token::find(&mut connection, &hash, clock::now()).await? {
            Some(id) => hythe_metadata::user::find(&mut connection, id).await?,
            None => None,
        };
        match user {
            Some(user) if !user.disabled => {
                let user = self.keep_fresh(Arc::new(user)).await?;
                Ok(Caller::user(user, Through::RefreshToken, origin.clone()))
            }
            _ => Err(Error::new(
                Kind::Unauthenticated,
                ErrorCode::Unauthorized,
                "the refresh token is not valid: it has expired or was revoked; sign in again",
            )),
        }
    }
}

/// Actions for the same tags share an entry.
fn entries(repository: &RepositoryName, allowed: &[(Action, TagLimit)]) -> Vec<Access> {
    let mut entries: Vec<Access> = Vec::new();
    for (action, limit) in allowed {
        let tags = match limit {
            TagLimit::None => None,
            TagLimit::Patterns(patterns) => Some(patterns.to_vec()),
        };
        let action = action.as_str().to_owned();
        match entries.iter_mut().find(|entry| entry.tags == tags) {
            Some(entry) => entry.actions.push(action),
            None => entries.push(Access {
                kind: "repository".to_owned(),
                name: repository.as_str().to_owned(),
                actions: vec![action],
                tags,
            }),
        }
    }
    entries
}

fn validation() -> Validation {
    let mut validation = Validation::new(Algorithm::ES256);
    validation.set_audience(&[SERVICE]);
    validation.set_issuer(&[ISSUER]);
    validation.set_required_spec_claims(&["exp", "nbf", "aud", "iss"]);
    // Both are held against the time that all nodes share, which the library does not know.
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation
}

fn begun(claims: &Claims) -> bool {
    claims.nbf.saturating_sub(LEEWAY_SECONDS) <= clock::seconds(clock::now())
}

fn alive(claims: &Claims) -> bool {
    claims.exp.saturating_add(LEEWAY_SECONDS) > clock::seconds(clock::now())
}

fn scope_text(access: &[Access]) -> String {
    let scopes: Vec<String> = access
        .iter()
        .map(|access| format!("{}:{}:{}", access.kind, access.name, access.actions.join(",")))
        .collect();
    scopes.join(" ")
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    out
}
