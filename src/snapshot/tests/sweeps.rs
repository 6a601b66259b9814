//! Sweeps of the account of `world`, page by page, and what they may and may not say.

use super::world::{LAG, LATE, PARTS, Part, SETTLED, World, get};
use super::*;

/// Pages of each half.
const PAGES: usize = 2;

#[derive(Clone, Debug)]
pub struct Page {
    number: u32,
    head: bool,
    sent: u64,
    roles: Vec<Role>,
}

#[derive(Debug)]
pub struct Sweep {
    pub number: u32,
    begun: u64,
    sent: BTreeSet<(bool, usize)>,
    /// By ARN and half: when the page was sent that shows the role, its id and print.
    shown: BTreeMap<(String, bool), (u64, String, u64)>,
}

impl World {
    pub fn begin(&mut self) {
        let number = self.snapshot.begin(ACCOUNT, Source::Bulk, self.at(self.now));
        self.sweep = Some(Sweep { number, begun: self.now, sent: BTreeSet::new(), shown: BTreeMap::new() });
    }

    /// A page is asked for: it will show what some replica holds now.
    pub fn send_page(&mut self, head: bool, page: usize) {
        let Some(sweep) = &mut self.sweep else { return };
        if !sweep.sent.insert((head, page)) {
            return;
        }
        let number = sweep.number;
        let there: Vec<usize> = (0..self.history.len()).filter(|i| i % PAGES == page).collect();
        let mut roles: Vec<Role> = there.into_iter().filter_map(|i| self.read(i)).collect();
        for role in roles.iter_mut().filter(|_| self.blind) {
            role.boundary = None;
        }
        self.pages.push(Page { number, head, sent: self.now, roles });
    }

    /// A page arrives.
    pub fn take_page(&mut self, which: usize) {
        if self.pages.is_empty() {
            return;
        }
        let page = self.pages.swap_remove(which % self.pages.len());
        let before: Vec<Option<String>> = self.ids();
        let sent = self.at(page.sent);
        match page.head {
            true => self.snapshot.heads(ACCOUNT, page.number, sent, page.roles.iter().map(listed).collect()),
            false => self.snapshot.details(ACCOUNT, page.number, sent, page.roles.iter().map(detailed).collect(), "c"),
        }
        for (i, (before, after)) in before.into_iter().zip(self.ids()).enumerate() {
            let dead = |id: &Option<String>| id.as_ref().is_some_and(|id| self.bindings[i].dead.contains(id));
            assert!(dead(&before) || !dead(&after), "a page has brought back {after:?}");
        }
        let Some(sweep) = self.sweep.as_mut().filter(|sweep| sweep.number == page.number) else { return };
        for role in page.roles {
            let prints = Prints::of(&role);
            let print = if page.head { prints.head } else { prints.details };
            sweep.shown.insert((role.arn, page.head), (page.sent, role.id, print));
        }
    }

    fn ids(&self) -> Vec<Option<String>> {
        let last = |i: usize| self.snapshot.last(&arn(&i.to_string())).map(|seen| seen.id);
        (0..self.bindings.len()).map(last).collect()
    }

    /// The sweep is completed: nobody is woken by what can't be known.
    pub fn end(&mut self) -> Option<Verdict> {
        let number = self.sweep.as_ref()?.number;
        for page in 0..PAGES {
            self.send_page(false, page);
            self.send_page(true, page);
        }
        while let Some(which) = self.pages.iter().position(|page| page.number == number) {
            self.take_page(which);
        }
        let ids = self.ids();
        let verdict = self.snapshot.end(ACCOUNT, number, SETTLE, self.at(self.now)).expect("it is the one that runs");
        let sweep = self.sweep.take().unwrap();
        for (i, id) in ids.iter().enumerate() {
            let arn = arn(&i.to_string());
            if verdict.doubtful.iter().any(|doubtful| **doubtful == *arn) {
                self.may_wake(i, &arn, id, &sweep);
                self.bindings[i].woken = true;
            }
            self.bindings[i].woken |= self.bindings[i].waits;
        }
        Some(verdict)
    }

    /// A binding is woken by a half that was sent when our last change was over and settled, and that shows another role.
    fn may_wake(&self, i: usize, arn: &str, id: &Option<String>, sweep: &Sweep) {
        let binding = &self.bindings[i];
        assert!(binding.job.is_none(), "role {i} is being changed");
        let (_, agreed) = binding.agreed.expect("it was as desired");
        let since = binding.written.map_or(0, |written| written + SETTLED);
        let reason = [(false, agreed.details), (true, agreed.head)].into_iter().any(|(head, print)| {
            match sweep.shown.get(&(arn.to_owned(), head)) {
                Some((sent, shown, p)) => *sent >= since && (*p != print || Some(shown) != id.as_ref()),
                None => sweep.begun >= since,
            }
        });
        assert!(reason, "role {i} was woken without a reason: {sweep:?}, written {:?}", binding.written);
    }

    /// A sweep at one time, and all that it brings about.
    pub fn whole(&mut self) -> usize {
        self.begin();
        let woken = self.end().unwrap().doubtful.len();
        self.drain();
        woken
    }

    /// All that is woken is done, with pauses.
    pub fn drain(&mut self) {
        for _ in 0..100 {
            for i in 0..self.bindings.len() {
                while self.bindings[i].job.is_some() {
                    self.answer(i);
                }
                if self.bindings[i].woken {
                    self.work(i);
                }
            }
            if self.bindings.iter().all(|binding| !binding.woken && binding.job.is_none()) {
                return;
            }
            self.pass(10);
        }
        panic!("it never ends");
    }

    /// Whether this role is as desired, in all that bulk calls show or in all.
    pub fn is_true(&self, i: usize, all: bool) -> bool {
        let Some((_, wish)) = &self.bindings[i].wish else { return true };
        let same = |role: &Role, part: Part| (part == Part::Boundary && !all) || get(role, part) == get(wish, part);
        self.truth(i).is_some_and(|role| PARTS.into_iter().all(|part| same(role, part)))
    }

    /// From now on nothing changes that we do not change, and every call is answered. One sweep, begun when all that was
    /// before can be seen everywhere, finds whatever differs.
    pub fn comes_to_rest(&mut self) {
        self.calm = true;
        for i in 0..self.bindings.len() {
            while self.bindings[i].job.is_some() {
                self.answer(i);
            }
        }
        self.pass(LATE + LAG + SETTLED);
        self.whole();
        for i in 0..self.bindings.len() {
            assert!(self.is_true(i, !self.blind), "role {i} is {:?}: {:?}", self.truth(i), self.bindings[i]);
        }
        let (mut woken, mut reads) = (0, 0);
        for _ in 0..6 {
            let before: u32 = self.bindings.iter().map(|binding| binding.reads).sum();
            let seconds = self.luck.u64(1..200);
            self.pass(seconds);
            woken += self.whole();
            reads += self.bindings.iter().map(|binding| binding.reads).sum::<u32>() - before;
        }
        let most = if self.blind { 2 * self.bindings.len() } else { 0 };
        assert!(woken <= most && reads as usize <= most, "{woken} woken, {reads} reads, though all is as desired");
        self.pass(SETTLED);
        self.whole();
        self.whole();
        self.keeps_what_concerns_it();
    }

    fn keeps_what_concerns_it(&self) {
        let account = self.snapshot.account(ACCOUNT).unwrap();
        assert_eq!(account.tombs(), 0, "tombstones end");
        for i in 0..self.bindings.len() {
            let wanted = self.bindings[i].wish.is_some();
            let ours = self.truth(i).is_some_and(|role| tags::get(&role.tags, tag::CLUSTER) == Some("c"));
            let kept = self.snapshot.last(&arn(&i.to_string()));
            assert_eq!(kept.is_some(), wanted || ours, "role {i}");
            if wanted {
                assert_eq!(kept.map(|seen| seen.id), self.truth(i).map(|role| role.id.clone()));
            }
        }
    }
}
