//! Everything at random: three clients of one user, a thief, an operator, lost answers and waits, held against a model.

use std::{collections::BTreeMap, sync::Arc};

use nova_auth::{domain::user::Status, flows::FlowError, keys::Token};
use proptest::{
    strategy::Strategy,
    test_runner::{Config, TestRunner},
};

use super::{
    faults::{Fault, Gate, on},
    model::{ABSOLUTE, IDLE, Model, Presented, Sid},
    steps::{CLIENTS, Ending, Fate, Point, Step, honest, steps, token_steps},
    world::{Pair, Person, World},
};

/// What a client holds: every refresh token that it was given, by generation, and the newest access token.
#[derive(Debug)]
struct Client {
    sid: Sid,
    refresh: Vec<(usize, Token)>,
    access: Token,
    access_made: i64,
}

struct Play {
    world: Arc<World>,
    person: Person,
    model: Model,
    clients: [Option<Client>; CLIENTS],
    /// Every refresh token that anybody was given, by session and generation.
    given: BTreeMap<(Sid, usize), String>,
}

impl Play {
    async fn new(world: Arc<World>, name: &str) -> Self {
        let person = world.person(name).await;
        Self {
            world,
            person,
            model: Model::default(),
            clients: [const { None }; CLIENTS],
            given: BTreeMap::new(),
        }
    }

    async fn step(&mut self, step: &Step) {
        self.model.now += 1;
        match *step {
            Step::Login(client) => self.login(client).await,
            Step::Refresh(client, age, fate) => self.refresh(client, age, fate).await,
            Step::Theft(client, age) => self.theft(client, age).await,
            Step::Tabs(client) => self.tabs(client).await,
            Step::Logout(client) => self.end(Ending::Logout, client).await,
            Step::RevokeAll => self.end(Ending::RevokeAll, 0).await,
            Step::Disable => self.end(Ending::Disable, 0).await,
            Step::Enable => self.enable().await,
            Step::Lapse => {
                self.end(Ending::Disable, 0).await;
                self.enable().await;
            }
            Step::Race(client, ending, point) => self.race(client, ending, point).await,
            Step::Wait(seconds) => self.model.now += seconds,
        }
        self.world.wire.reset();
        for client in self.clients.iter().flatten() {
            let decision = self.world.authenticate(self.model.now, &client.access).await;
            let expected = self.model.accepts(client.sid, client.access_made);
            assert_eq!(yes(&decision), expected, "after {step:?}: {decision:?}");
        }
    }

    async fn enable(&mut self) {
        self.model.disabled = false;
        let moment = self.world.at(self.model.now);
        self.world.set_status(&moment, &self.person, Status::Active).await.unwrap();
    }

    async fn login(&mut self, client: usize) {
        let answer = self.world.login(&self.world.at(self.model.now), &self.person).await;
        let sid = self.model.login();
        assert_eq!(yes(&answer), sid.is_some(), "a login");
        if let (Ok(pair), Some(sid)) = (answer, sid) {
            let first = Client { sid, refresh: vec![], access: pair.access.clone(), access_made: 0 };
            self.clients[client] = Some(first);
            self.give(client, 0, pair);
        }
    }

    /// The client's token of that age, if it has one.
    fn token(&self, client: usize, age: usize) -> Option<(Sid, usize, Token)> {
        let client = self.clients[client].as_ref()?;
        let (generation, token) = client.refresh.iter().rev().nth(age)?;
        Some((client.sid, *generation, token.clone()))
    }

    fn give(&mut self, client: usize, generation: usize, pair: Pair) {
        let now = self.model.now;
        let Some(client) = &mut self.clients[client] else { return };
        let known =
            self.given.entry((client.sid, generation)).or_insert_with(|| pair.refresh.expose().to_owned());
        assert_eq!(pair.refresh.expose(), known, "a second chain");
        if client.refresh.last().is_none_or(|(newest, _)| *newest < generation) {
            client.refresh.push((generation, pair.refresh));
        }
        (client.access, client.access_made) = (pair.access, now);
    }

    async fn refresh(&mut self, client: usize, age: usize, fate: Fate) {
        let Some((sid, generation, token)) = self.token(client, age) else { return };
        let moment = self.world.at(self.model.now);
        match fate {
            Fate::Answered => {}
            Fate::Repeated => self.world.wire.script(on("UpdateItem"), Fault::LoseAnswer),
            Fate::Lost => {
                let gate = Gate::default();
                self.world.wire.script(on("UpdateItem"), Fault::HoldAnswer(gate.clone()));
                tokio::select! {
                    // One that is refused before its write has nothing to lose.
                    answer = self.world.refresh(&moment, &token) => assert!(!yes(&answer)),
                    () = gate.arrival() => {}
                }
                return self.model.present_and_die(sid, generation);
            }
        }
        let answer = self.world.refresh(&moment, &token).await;
        let expected = self.model.present(sid, generation);
        self.compare(client, answer, expected);
    }

    fn compare(&mut self, client: usize, answer: Result<Pair, FlowError>, expected: Presented) {
        match (answer, expected) {
            (Ok(pair), Presented::Successor(generation)) => self.give(client, generation, pair),
            (answer, expected) => {
                assert_eq!(yes(&answer), expected != Presented::Refused, "a refresh: {:?}", answer.err());
            }
        }
    }

    async fn theft(&mut self, client: usize, age: usize) {
        let Some((sid, generation, token)) = self.token(client, age) else { return };
        let stolen = self.world.refresh(&self.world.at(self.model.now), &token).await;
        match (stolen, self.model.present(sid, generation)) {
            (Ok(pair), Presented::Successor(generation)) => {
                let text = pair.refresh.expose().to_owned();
                let known = self.given.entry((sid, generation)).or_insert_with(|| text.clone());
                assert_eq!(*known, text, "a second chain");
            }
            (stolen, expected) => assert_eq!(yes(&stolen), expected != Presented::Refused, "a theft"),
        }
    }

    async fn tabs(&mut self, client: usize) {
        let Some((sid, generation, token)) = self.token(client, 0) else { return };
        let (one, two) = (self.world.at(self.model.now), self.world.at(self.model.now));
        let (one, two) = tokio::join!(self.world.refresh(&one, &token), self.world.refresh(&two, &token));
        for answer in [one, two] {
            let expected = self.model.present(sid, generation);
            self.compare(client, answer, expected);
        }
    }

    async fn end(&mut self, ending: Ending, client: usize) {
        let Self { world, person, model, clients, .. } = self;
        end(world, person, model, clients[client].as_ref(), ending).await;
    }

    async fn race(&mut self, client: usize, ending: Ending, point: Point) {
        let Some((sid, generation, token)) = self.token(client, 0) else { return };
        let gate = Gate::default();
        let fault = match point {
            Point::BeforeTheWrite => Fault::Hold(gate.clone()),
            Point::AfterTheWrite => Fault::HoldAnswer(gate.clone()),
        };
        self.world.wire.script(on("UpdateItem").with("rotatedAt"), fault);
        let Self { world, person, model, clients, .. } = self;
        let moment = world.at(model.now);
        if matches!(point, Point::AfterTheWrite) {
            model.present_and_die(sid, generation);
        }
        let mut refreshing = std::pin::pin!(world.refresh(&moment, &token));
        let arrived = tokio::select! {
            answer = &mut refreshing => { assert!(!yes(&answer)); false }
            () = gate.arrival() => true,
        };
        end(world, person, model, clients[client].as_ref(), ending).await;
        if arrived {
            gate.open();
            // Whatever it says, it says it of a session that has ended: nothing of it may be accepted.
            if let Ok(pair) = refreshing.await {
                assert!(!yes(&world.authenticate(model.now, &pair.access).await), "raced by {ending:?}");
                assert!(
                    !yes(&world.refresh(&world.at(model.now), &pair.refresh).await),
                    "raced by {ending:?}"
                );
            }
        }
    }
}

async fn end(world: &World, person: &Person, model: &mut Model, client: Option<&Client>, ending: Ending) {
    let moment = world.at(model.now);
    match ending {
        Ending::Logout => {
            let Some(client) = client else { return };
            let Some((_, refresh)) = client.refresh.last() else { return };
            let pair = Pair { access: client.access.clone(), refresh: refresh.clone() };
            world.logout(&moment, &pair).await.unwrap();
            model.end(client.sid);
        }
        Ending::RevokeAll => {
            world.revoke_all(&moment, person).await.unwrap();
            model.end_all();
        }
        Ending::Disable => {
            world.set_status(&moment, person, Status::Disabled).await.unwrap();
            model.end_all();
            model.disabled = true;
        }
    }
}

/// Yes or no. That there is no answer is no outcome here: nothing fails for good.
fn yes<T>(answer: &Result<T, FlowError>) -> bool {
    match answer {
        Ok(_) => true,
        Err(FlowError::Refused(_)) => false,
        Err(error) => panic!("no answer: {error:?}"),
    }
}

/// Plays a fresh user for every case, all of them in one world.
fn check<S: Strategy>(cases: u32, strategy: S, play: impl AsyncFn(&mut Play, S::Value)) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (idle, absolute) = (IDLE.to_string(), ABSOLUTE.to_string());
    let lives = [("REFRESH_TOKEN_SECONDS", idle.as_str()), ("SESSION_MAX_SECONDS", absolute.as_str())];
    let world = runtime.block_on(World::with(&lives));
    let number = std::cell::Cell::new(0);
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let checked = TestRunner::new(config).run(&strategy, |steps| {
        number.set(number.get() + 1);
        runtime.block_on(async {
            world.wire.reset();
            let mut played = Play::new(Arc::clone(&world), &format!("amal-{}", number.get())).await;
            play(&mut played, steps).await;
        });
        Ok(())
    });
    checked.unwrap();
}

#[test]
fn whatever_happens_in_whatever_order_the_decisions_are_the_models() {
    check(48, steps(), async |play, steps| {
        for step in &steps {
            play.step(step).await;
        }
    });
}

#[test]
fn tokens_of_every_age_get_what_the_model_says() {
    check(48, token_steps(), async |play, steps| {
        for step in &steps {
            play.step(step).await;
        }
    });
}

/// The promise to honest clients, by itself: whoever presents its newest token, and presents it again within the grace
/// window when it hears nothing, is never refused, and nobody's losses are another's.
#[test]
fn a_client_that_retries_within_the_grace_window_is_never_logged_out() {
    check(24, honest(), async |play, refreshes| {
        for client in 0..CLIENTS {
            play.step(&Step::Login(client)).await;
        }
        for (client, wait, losses) in refreshes {
            let sid = play.clients[client].as_ref().unwrap().sid;
            play.model.now += wait;
            if !play.model.is_alive(sid) {
                play.step(&Step::Login(client)).await;
                continue;
            }
            for pause in losses {
                play.step(&Step::Refresh(client, 0, Fate::Lost)).await;
                play.model.now += pause;
            }
            let before = play.token(client, 0).unwrap();
            play.step(&Step::Refresh(client, 0, Fate::Answered)).await;
            let after = play.token(client, 0).unwrap();
            if play.model.is_alive(sid) {
                assert_eq!((after.0, after.1), (before.0, before.1 + 1), "the client was logged out");
            }
        }
    });
}
