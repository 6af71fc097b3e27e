//! Lists that the contact center gives in pages, each with a link to the next one.
//!
//! [`Pages`] is the one place that follows such links. It never leaves the site's origin, because the token must not go
//! elsewhere; it notices a link that leads back to a page it has read; and it ends after a largest number of pages, so that
//! a server whose pages have no end cannot hold a function.

use std::collections::HashSet;
use std::marker::PhantomData;

use insights_http::Deadline;
use serde::de::DeserializeOwned;
use url::Url;

use crate::client::CxoneClient;
use crate::error::Error;
use crate::request::Request;

/// A page of a list as it is on the wire.
pub trait Page: DeserializeOwned {
    /// Returns the link to the next page, absolute or relative to this one; `None` or an empty text on the last page.
    fn next_link(&self) -> Option<&str>;
}

/// What a link that leads back to a page that was already read means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RepeatedLink {
    /// The list ends there, and a warning is logged: for lists whose entries are worth having even if some are missing.
    EndsList,
    /// The list is broken: for lists that are only worth having as a whole.
    IsError,
}

/// What bounds a walk over pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageLimits {
    /// Largest number of pages that are read; a further link is an error.
    pub max_pages: usize,
    /// What a link to a page that was already read means.
    pub repeated_link: RepeatedLink,
}

/// The pages of one list, read one after the other.
///
/// ```
/// use cxone::pages::{Page, PageLimits, Pages, RepeatedLink};
/// use cxone::{CxoneClient, Error, Request};
/// use insights_http::Deadline;
///
/// #[derive(serde::Deserialize)]
/// #[serde(rename_all = "camelCase")]
/// struct Names {
///     names: Vec<String>,
///     next_link: Option<String>,
/// }
///
/// impl Page for Names {
///     fn next_link(&self) -> Option<&str> {
///         self.next_link.as_deref()
///     }
/// }
///
/// async fn read_all(
///     cxone_client: &CxoneClient,
///     first: Request,
///     deadline: Deadline,
/// ) -> Result<Vec<String>, Error> {
///     let limits = PageLimits { max_pages: 1000, repeated_link: RepeatedLink::IsError };
///     let mut pages = Pages::<Names>::new(cxone_client, first, limits);
///     let mut all = Vec::new();
///     while let Some(page) = pages.next_page(deadline).await? {
///         all.extend(page.names);
///     }
///     Ok(all)
/// }
/// ```
#[derive(Debug)]
pub struct Pages<P> {
    client: CxoneClient,
    limits: PageLimits,
    next: Option<Request>,
    seen: HashSet<Url>,
    pages_read: usize,
    page: PhantomData<fn() -> P>,
}

impl<P: Page> Pages<P> {
    /// Builds the pages of a list whose first page answers `first`. Every further page gets the same method and body.
    #[must_use]
    pub fn new(client: &CxoneClient, first: Request, limits: PageLimits) -> Self {
        Self {
            client: client.clone(),
            limits,
            seen: HashSet::from([first.endpoint.url().clone()]),
            next: Some(first),
            pages_read: 0,
            page: PhantomData,
        }
    }

    /// Reads the next page; `None` after the last one. After an error the same page is asked for again.
    ///
    /// # Errors
    /// As [`CxoneClient::send`]; [`insights_http::Error::Invalid`] naming the host if the link on the page leads to another
    /// one; [`insights_http::Error::InvalidResponse`] if the pages are more than the limit, or lead back where that is an
    /// error.
    pub async fn next_page(&mut self, deadline: Deadline) -> Result<Option<P>, Error> {
        let Some(request) = &self.next else {
            return Ok(None);
        };
        let attempt = request.to_endpoint(request.endpoint.clone());
        let page: P = self.client.send(attempt, deadline).await?;
        let link = page.next_link().map(str::trim);
        let next = match link.filter(|link| !link.is_empty()) {
            Some(link) => self.follow(request, link)?,
            None => None,
        };
        if let Some(next) = &next {
            self.seen.insert(next.endpoint.url().clone());
        }
        self.next = next;
        self.pages_read += 1;
        Ok(Some(page))
    }

    /// Returns how many pages have been read.
    #[must_use]
    pub const fn pages_read(&self) -> usize {
        self.pages_read
    }

    /// Returns whether there is another page to read.
    #[must_use]
    pub const fn has_next(&self) -> bool {
        self.next.is_some()
    }

    /// Returns the request for the page that a link leads to; `None` if the list ends instead.
    fn follow(&self, from: &Request, link: &str) -> Result<Option<Request>, Error> {
        let template = from.endpoint.template();
        if self.pages_read + 1 >= self.limits.max_pages {
            let reason = format!("the list has more than {} pages", self.limits.max_pages);
            return Err(Error::invalid_response(template, reason));
        }
        let endpoint = self.client.site().link(&from.endpoint, link)?;
        if !self.seen.contains(endpoint.url()) {
            return Ok(Some(from.to_endpoint(endpoint)));
        }
        match self.limits.repeated_link {
            RepeatedLink::IsError => Err(Error::invalid_response(
                template,
                "its pages lead back to one that was read",
            )),
            RepeatedLink::EndsList => {
                tracing::warn!(
                    endpoint = template,
                    "the next link leads back to a page that was read, the list ends here"
                );
                Ok(None)
            }
        }
    }
}
