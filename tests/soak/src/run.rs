//! A run from its beginning to its end.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use super::device::Device;
use super::files::Files;
use super::history::{At, History, Recorder, SECOND};
use super::killer::Killer;
use super::leaks::{Look, NOVA_LOCAL, longest_lives};
use super::mover;
use super::operator::{self, Rotations};
use super::owner::{OWNERS, Owner};
use super::plan::{Dice, Plan, Service, steps};
use super::proc::{self, Process};
use super::proxy::Proxy;
use super::report::{Measured, Rest};
use super::system::{Failure, Faults, Setup, System};
use super::uploader;
use super::visitor;
use super::world::{Phase, World, made};

/// A call that begins this long after a burst knows nothing of it.
const SETTLED: At = 2 * SECOND;

/// Nothing here takes this long, unless it hangs.
const PATIENCE: Duration = Duration::from_secs(90);

/// Does all of it.
///
/// # Errors
/// The system did not start, or a part of the run could not be done.
pub(crate) async fn run(plan: &Plan, files: &Files) -> Result<(History, Measured), Failure> {
    let directory = tempfile::tempdir()?;
    let recorder = Arc::new(Recorder::default());
    let killer = Arc::new(Killer::new(recorder.clone()));
    let proxy = |service| Proxy::start(service, &plan.bursts, plan.seed, recorder.clone(), killer.clone());
    let (storage, secrets) = (proxy(Service::DynamoDb).await?, proxy(Service::SecretsManager).await?);
    let objects = proxy(Service::Objects).await?;
    let faults = Some(Faults { dynamodb: &storage.url, secrets: &secrets.url, objects: &objects.url });
    let dynamodb = files.dynamodb.as_deref();
    let setup = Setup { faults, dynamodb, ..Setup::of(files, directory.path()) };
    let (system, has_streams) = (System::start(&setup).await?, files.dynamodb.is_none());
    storage.forward_to(&system.url("dynamodb")?);
    secrets.forward_to(&system.url("secretsmanager")?);
    if has_streams {
        objects.forward_to(&system.url("objects")?);
    }
    killer.may_kill_children_of(system.id());
    let world = Arc::new(settle(system, recorder.clone(), plan.users, has_streams).await?);
    let mut owners = Vec::new();
    for number in 0..plan.owners {
        let user = made(&world.system, OWNERS + number, &format!("owner-{number}@example.com")).await?;
        world.meet(&user.id, user.number);
        owners.push(Owner::new(world.clone(), user)?);
    }

    recorder.clock.begin();
    for burst in &plan.bursts {
        let what = format!("{:?} of {:?}", burst.fault, burst.service);
        recorder.disturb(burst.begin, burst.end + SETTLED, what);
    }
    let mut clients = set_out(&world, plan, owners, has_streams)?;
    let watch = Watch::start(world.system.id(), killer.clone(), plan);
    recorder.clock.until(plan.calm_until).await;
    let before = rest(&world, &killer, plan).await?;
    watch.spare.send_replace(true);

    let killing = tokio::spawn(kill(recorder.clone(), killer.clone(), plan.kills.clone()));
    let changing = tokio::spawn(operator::change_users(world.clone(), plan.changes.clone()));
    let keys = tokio::spawn(operator::change_keys(world.clone(), killer.clone(), plan.keys.clone()));
    recorder.clock.until(plan.length).await;
    killing.await?;
    changing.await??;
    // What could not be done is told with everything else: an hour of history is not thrown away for it.
    let (rotations, undone) = match keys.await? {
        Ok(rotations) => (rotations, None),
        Err(error) => (Rotations::default(), Some(error)),
    };

    world.phase.send_replace(Phase::RollCall);
    tokio::time::timeout(PATIENCE, async { while clients.join_next().await.is_some() {} }).await?;
    let looks = watch.end().await?;
    let after = at_rest(&world, &killer).await?;
    let seen: BTreeSet<Process> = looks.iter().map(|look| look.process.clone()).collect();
    let world = Arc::into_inner(world).ok_or("somebody still uses the system")?;
    let ended_well = world.system.stop().await;
    let measured = Measured {
        storage: (storage.calls(), storage.met()),
        secrets: (secrets.calls(), secrets.met()),
        objects: (objects.calls(), objects.met()),
        kills: killer.killed(),
        rotations,
        undone,
        rest: [before, after],
        growth: longest_lives(&looks),
        processes: seen.iter().filter(|process| process.born > 0).count(),
        left: seen.iter().filter(|process| process.is_there()).count(),
        ended_well,
    };
    Ok((recorder.take(), measured))
}

/// Sends everybody out, each with dice of their own: what one does changes nobody else's luck.
fn set_out(
    world: &Arc<World>,
    plan: &Plan,
    owners: Vec<Owner>,
    has_streams: bool,
) -> Result<JoinSet<()>, Failure> {
    let dice = |kind: u64, number: u32| Dice::of(plan.seed, kind + u64::from(number));
    let mut clients = JoinSet::new();
    for number in 0..plan.clients {
        clients.spawn(Device::new(world.clone(), number)?.live(steps(plan.seed, number)));
    }
    for number in 0..plan.visitors {
        clients.spawn(visitor::visitors(world.clone(), number, dice(2_000, number)).map(drop));
    }
    for (number, owner) in (0..).zip(owners) {
        clients.spawn(owner.live(dice(3_000, number)));
    }
    let (movers, uploaders) = plan.by_streams(has_streams);
    for number in 0..movers {
        clients.spawn(mover::movers(world.clone(), number, dice(4_000, number)).map(drop));
    }
    for number in 0..uploaders {
        clients.spawn(uploader::uploaders(world.clone(), number, dice(5_000, number)).map(drop));
    }
    Ok(clients)
}

/// The users, made by the operator.
async fn settle(
    system: System,
    recorder: Arc<Recorder>,
    users: u64,
    has_streams: bool,
) -> Result<World, Failure> {
    let mut all = Vec::new();
    for number in 0..u32::try_from(users)? {
        all.push(made(&system, number, &format!("soak-{number}@example.com")).await?);
    }
    World::new(system, recorder, all, has_streams)
}

async fn kill(recorder: Arc<Recorder>, killer: Arc<Killer>, kills: Vec<(At, u64)>) {
    for (at, drawn) in kills {
        recorder.clock.until(at).await;
        killer.kill_one(drawn);
    }
}

/// Lets all clients rest, looks, and lets them go on.
async fn rest(world: &World, killer: &Killer, plan: &Plan) -> Result<Rest, Failure> {
    world.phase.send_replace(Phase::Rest);
    let (movers, uploaders) = plan.by_streams(world.has_streams);
    let others = u64::from(plan.visitors + plan.owners + movers + uploaders);
    let clients = usize::try_from(plan.clients + others)?;
    let all_rest = async {
        while world.resting.load(Ordering::SeqCst) < clients {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, all_rest).await?;
    let looked = at_rest(world, killer).await;
    world.phase.send_replace(Phase::Run);
    looked
}

/// What `nova local` holds with no client and no function, once that changes no more.
async fn at_rest(world: &World, killer: &Killer) -> Result<Rest, Failure> {
    let (mut last, mut same) = (None, 0);
    for _ in 0..100 {
        // Events that are on their way start functions again.
        killer.kill_all("at rest");
        let holds = proc::holds(world.system.id()).ok_or("nova local has ended")?;
        let now = (killer.processes().len(), holds.descriptors);
        same = if last == Some(now) && now.0 == 0 { same + 1 } else { 0 };
        if same == 8 {
            return Ok(Rest::new(holds, proc::open(world.system.id())));
        }
        last = Some(now);
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    Err("nova local does not come to rest".into())
}

/// Somebody who looks at all processes again and again.
struct Watch {
    looks: Arc<Mutex<Vec<Look>>>,
    /// Whether one process of each function is to be spared from now on.
    spare: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Watch {
    fn start(nova: u32, killer: Arc<Killer>, plan: &Plan) -> Watch {
        let (looks, spare) = (Arc::<Mutex<Vec<Look>>>::default(), watch::Sender::new(false));
        let every = Duration::from_micros((plan.length / 200).clamp(SECOND / 4, 5 * SECOND));
        let (own, sparing) = (looks.clone(), spare.subscribe());
        let clock = killer.recorder();
        let task = tokio::spawn(async move {
            loop {
                let functions = killer.processes();
                if *sparing.borrow() {
                    killer.spare_the_oldest(&functions);
                }
                let nova = Process { id: nova, born: 0, name: NOVA_LOCAL.to_owned() };
                for process in functions.into_iter().chain([nova]) {
                    if let Some(holds) = proc::holds(process.id) {
                        let look = Look { at: clock.clock.now(), process, holds };
                        own.lock().unwrap_or_else(PoisonError::into_inner).push(look);
                    }
                }
                tokio::time::sleep(every).await;
            }
        });
        Watch { looks, spare, task }
    }

    async fn end(self) -> Result<Vec<Look>, Failure> {
        self.task.abort();
        drop(self.task.await);
        Ok(std::mem::take(&mut *self.looks.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}
