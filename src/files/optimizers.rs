//! The optimisers in a checkpoint.

use super::network::{numbered, put_affines, take_affines};
use super::safetensors::SafeTensors;
use crate::error::{FileProblem, MOMENTS, Places, Result, VELOCITY, check_finite};
use crate::layer::Affine;
use crate::network::Network;
use crate::optimizer::{Adam, LearningRate, Optimizer, Plateau, RmsProp, Schedule, Sgd, check_like};
use crate::real::Real;

/// An optimiser of the crate, which a checkpoint can hold. (`SafeTensors` is private, which seals it.)
pub trait SavedOptimizer<F: Real>: Optimizer<F> + Sized {
    /// Its type, in the metadata.
    const NAME: &'static str;
    fn rate(&self) -> &LearningRate;
    /// Its numbers and its state, except the rate.
    fn put(&self, network: &Network<F>, file: &mut SafeTensors) -> Result<()>;
    fn take(rate: LearningRate, network: &Network<F>, file: &mut SafeTensors) -> Result<Self, FileProblem>;
}

const NUMBER: &str = "a number";
const COUNT: &str = "a count";

impl<F: Real> SavedOptimizer<F> for Sgd<F> {
    const NAME: &'static str = "sgd";

    fn rate(&self) -> &LearningRate {
        &self.rate
    }

    fn put(&self, network: &Network<F>, file: &mut SafeTensors) -> Result<()> {
        file.put_value("momentum", self.momentum);
        file.put_value("weight_decay", self.weight_decay);
        if self.nesterov {
            file.put_value("nesterov", true);
        }
        put_state("velocity", &VELOCITY, network, self.velocity.as_deref(), file)
    }

    fn take(rate: LearningRate, network: &Network<F>, file: &mut SafeTensors) -> Result<Self, FileProblem> {
        let mut sgd = Sgd::new(1.0)
            .momentum(file.value("momentum", NUMBER)?)
            .nesterov(file.value_or("nesterov", "true or false", false)?)
            .weight_decay(file.value("weight_decay", NUMBER)?);
        sgd.rate = rate;
        sgd.velocity = take_state("velocity", &VELOCITY, network, file)?;
        Ok(sgd)
    }
}

impl<F: Real> SavedOptimizer<F> for RmsProp<F> {
    const NAME: &'static str = "rmsprop";

    fn rate(&self) -> &LearningRate {
        &self.rate
    }

    fn put(&self, network: &Network<F>, file: &mut SafeTensors) -> Result<()> {
        file.put_value("decay", self.decay);
        file.put_value("epsilon", self.epsilon);
        put_state("squares", &MOMENTS, network, self.squares.as_deref(), file)
    }

    fn take(rate: LearningRate, network: &Network<F>, file: &mut SafeTensors) -> Result<Self, FileProblem> {
        let mut rmsprop = RmsProp::new(1.0).decay(file.value("decay", NUMBER)?).epsilon(file.value("epsilon", NUMBER)?);
        rmsprop.rate = rate;
        rmsprop.squares = take_state("squares", &MOMENTS, network, file)?;
        rmsprop.squares.iter().try_for_each(|squares| check_squares("squares", squares))?;
        Ok(rmsprop)
    }
}

impl<F: Real> SavedOptimizer<F> for Adam<F> {
    const NAME: &'static str = "adam";

    fn rate(&self) -> &LearningRate {
        &self.rate
    }

    fn put(&self, network: &Network<F>, file: &mut SafeTensors) -> Result<()> {
        file.put_value("beta1", self.beta1);
        file.put_value("beta2", self.beta2);
        file.put_value("epsilon", self.epsilon);
        file.put_value("weight_decay", self.weight_decay);
        file.put_value("steps", self.steps);
        let [m, v] = self.moments.as_ref().map_or([None, None], |[m, v]| [Some(&m[..]), Some(&v[..])]);
        put_state("m", &MOMENTS, network, m, file)?;
        put_state("v", &MOMENTS, network, v, file)
    }

    fn take(rate: LearningRate, network: &Network<F>, file: &mut SafeTensors) -> Result<Self, FileProblem> {
        let mut adam = Adam::new(1.0)
            .betas(file.value("beta1", NUMBER)?, file.value("beta2", NUMBER)?)
            .epsilon(file.value("epsilon", NUMBER)?)
            .weight_decay(file.value("weight_decay", NUMBER)?);
        adam.rate = rate;
        adam.steps = file.value("steps", COUNT)?;
        let (m, v) = (take_state("m", &MOMENTS, network, file)?, take_state("v", &MOMENTS, network, file)?);
        if m.is_some() != v.is_some() {
            let expected = "moments m and v, both or neither".into();
            return Err(FileProblem::Tensor { name: "trainer.m".into(), expected, found: "only one".into() });
        }
        v.iter().try_for_each(|v| check_squares("v", v))?;
        adam.moments = m.zip(v).map(|(m, v)| [m, v]);
        Ok(adam)
    }
}

fn put_state<F: Real>(
    name: &str,
    places: &Places,
    network: &Network<F>,
    state: Option<&[Affine<F>]>,
    file: &mut SafeTensors,
) -> Result<()> {
    let Some(state) = state else { return Ok(()) };
    check_state(network, state, places)?;
    put_affines(&format!("trainer.{name}."), network, state.iter(), file)
}

fn take_state<F: Real>(
    name: &str,
    places: &Places,
    network: &Network<F>,
    file: &mut SafeTensors,
) -> Result<Option<Vec<Affine<F>>>, FileProblem> {
    let state = take_affines(numbered(&format!("trainer.{name}."), file), file)?;
    if state.is_empty() {
        return Ok(None);
    }
    check_state(network, &state, places)?;
    Ok(Some(state))
}

/// Checks that the state has the shapes of the parameters and finite numbers.
fn check_state<F: Real>(network: &Network<F>, state: &[Affine<F>], places: &Places) -> Result<()> {
    check_like(network, state, places)?;
    for (l, affine) in state.iter().enumerate() {
        check_finite(places.weights, Some(l), &affine.weights.view())?;
        check_finite(places.bias, Some(l), &affine.bias.view())?;
    }
    Ok(())
}

/// Refuses means of squares that are negative, whose roots would be NaN.
fn check_squares<F: Real>(name: &str, squares: &[Affine<F>]) -> Result<(), FileProblem> {
    let mut numbers = squares.iter().flat_map(|affine| affine.weights.iter().chain(&affine.bias));
    match numbers.find(|x| **x < F::zero()) {
        Some(x) => Err(FileProblem::Tensor {
            name: format!("trainer.{name}"),
            expected: "numbers that are 0 or more".into(),
            found: x.to_string(),
        }),
        None => Ok(()),
    }
}

/// The learning rate and its schedule, in the metadata.
pub(super) fn put_rate(rate: &LearningRate, file: &mut SafeTensors) -> Result<(), FileProblem> {
    let LearningRate { initial, schedule, warm_up, epoch, plateau } = rate;
    file.put_value("learning_rate", initial);
    file.put_value("schedule", schedule_to_text(*schedule)?);
    file.put_value("epoch", epoch);
    if *warm_up > 0 {
        file.put_value("warm_up", warm_up);
    }
    if let Plateau { best: Some(best), waiting, drops } = plateau {
        file.put_value("plateau", format!("{best} {waiting} {drops}"));
    }
    Ok(())
}

pub(super) fn take_rate(file: &SafeTensors) -> Result<LearningRate, FileProblem> {
    let mut rate = LearningRate::new(file.value("learning_rate", NUMBER)?);
    rate.schedule = schedule_from_text(file)?;
    rate.epoch = file.value("epoch", COUNT)?;
    rate.warm_up = file.value_or("warm_up", COUNT, 0)?;
    if file.metadata.contains_key("plateau") {
        let expected = "a cost and two counts";
        let text = file.text("plateau", expected)?;
        let parse = || match text.split(' ').collect::<Vec<_>>()[..] {
            [best, waiting, drops] => Some(Plateau {
                best: Some(best.parse().ok()?),
                waiting: waiting.parse().ok()?,
                drops: drops.parse().ok()?,
            }),
            _ => None,
        };
        let wrong = || FileProblem::Metadata { key: "plateau", expected: expected.into(), found: Some(text.into()) };
        rate.plateau = parse().ok_or_else(wrong)?;
    }
    Ok(rate)
}

fn schedule_to_text(schedule: Schedule) -> Result<String, FileProblem> {
    Ok(match schedule {
        Schedule::Constant => "constant".into(),
        Schedule::Exponential { factor } => format!("exponential {factor}"),
        Schedule::Step { every, factor } => format!("step {every} {factor}"),
        Schedule::Cosine { epochs } => format!("cosine {epochs}"),
        Schedule::Plateau { factor, patience } => format!("plateau {factor} {patience}"),
        Schedule::Custom { name, .. } => {
            return Err(FileProblem::NeedsFunctions { entry: "schedule", name: name.into() });
        }
    })
}

fn schedule_from_text(file: &SafeTensors) -> Result<Schedule, FileProblem> {
    let expected = "constant, exponential, step, cosine or plateau, with its numbers";
    let text = file.text("schedule", expected)?;
    let parse = || {
        Some(match text.split(' ').collect::<Vec<_>>()[..] {
            ["constant"] => Schedule::Constant,
            ["exponential", factor] => Schedule::Exponential { factor: factor.parse().ok()? },
            ["step", every, factor] => Schedule::Step { every: every.parse().ok()?, factor: factor.parse().ok()? },
            ["cosine", epochs] => Schedule::Cosine { epochs: epochs.parse().ok()? },
            ["plateau", factor, patience] => {
                Schedule::Plateau { factor: factor.parse().ok()?, patience: patience.parse().ok()? }
            }
            _ => return None,
        })
    };
    let wrong = || FileProblem::Metadata { key: "schedule", expected: expected.into(), found: Some(text.into()) };
    parse().ok_or_else(wrong)
}
