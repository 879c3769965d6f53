//! The people of a test: an administrator, users, and nobody in particular.

/// Who is acting, with what they know.
#[derive(Clone, Debug)]
pub struct Actor {
    /// The name to sign in with.
    pub name: String,
    /// The password to sign in with.
    pub password: String,
}

impl Actor {
    /// Somebody of this name; whether the server knows them is another matter.
    pub fn new(name: &str, password: &str) -> Actor {
        Actor { name: name.to_owned(), password: password.to_owned() }
    }

    /// The same name with a password that is not theirs.
    pub fn with_wrong_password(&self) -> Actor {
        Actor::new(&self.name, "not-the-password-1")
    }

    /// `name:password`, as many clients take it in one option.
    pub fn credentials(&self) -> String {
        format!("{}:{}", self.name, self.password)
    }
}
