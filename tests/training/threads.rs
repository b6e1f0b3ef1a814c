//! Types that may go to another thread do. A network read by many threads gives all of them the same bits, and so does
//! training on any number of threads.

use crate::common;
use chainrule::ndarray::{Array2, Axis, ShapeBuilder, s};
use chainrule::{
    Activation, Affine, ConfusionMatrix, Dataset, Error, History, Layer, Loss, Network, Real, Scaling, Sgd, Threads,
    Trainer, Workspace,
};
use common::{bits, gradient_bits, network, network_bits, one_hot_rows, pass, rng, uniform};
#[cfg(feature = "rayon")]
use std::{cell::RefCell, sync::mpsc, time::Duration};

const fn send_and_sync<T: Send + Sync>() {}

/// Checked by the compiler.
const _: () = {
    send_and_sync::<Network<f32>>();
    send_and_sync::<Network<f64>>();
    send_and_sync::<Workspace<f32>>();
    send_and_sync::<Layer<f32>>();
    send_and_sync::<Affine<f32>>();
    send_and_sync::<Sgd<f32>>();
    send_and_sync::<Dataset<f32>>();
    send_and_sync::<Scaling>();
    send_and_sync::<History>();
    send_and_sync::<ConfusionMatrix>();
    send_and_sync::<Error>();
};

#[test]
fn a_hundred_threads_predict_the_same_bits() {
    let network = &network::<f32>(40, &[(30, Activation::Relu), (10, Activation::Softmax)], 1);
    let x = &uniform::<f32>((64, 40), -1.0, 1.0, 2);
    let alone = &bits(&network.predict(x.view()).unwrap());
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..100)
            .map(|_| {
                scope.spawn(move || {
                    for _ in 0..5 {
                        assert_eq!(&bits(&network.predict(x.view()).unwrap()), alone);
                    }
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

/// Each thread has its own workspace.
#[test]
fn threads_compute_gradients_of_one_network_without_meeting() {
    let network = &network::<f64>(8, &[(16, Activation::Tanh), (3, Activation::Identity)], 1);
    let gradients = |seed| {
        let (x, y) = (uniform((9, 8), -1.0, 1.0, seed), uniform((9, 3), -1.0, 1.0, seed + 1));
        common::gradient_bits(&common::pass(network, x.view(), y.view(), chainrule::Loss::MeanSquaredError).1)
    };
    let gradients = &gradients;
    let one_by_one: Vec<_> = (0..20).map(gradients).collect();
    let together: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..20).map(|seed| scope.spawn(move || gradients(seed))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(one_by_one, together);
    assert_ne!(one_by_one[0], one_by_one[1]);
}

/// They do not wait for work forever. A thread's local data are dropped when it ends.
#[cfg(feature = "rayon")]
#[test]
fn threads_end_with_their_pool() {
    struct AtEnd(mpsc::Sender<()>);
    impl Drop for AtEnd {
        fn drop(&mut self) {
            _ = self.0.send(());
        }
    }
    thread_local! {
        static AT_END: RefCell<Option<AtEnd>> = const { RefCell::new(None) };
    }
    let (sender, ended) = mpsc::channel();
    Threads::new(2).run(|| AT_END.set(Some(AtEnd(sender))));
    ended.recv_timeout(Duration::from_secs(60)).unwrap();
}

/// A single row of weights cannot be split by rows, however many columns it has.
#[test]
fn a_step_of_one_wide_row_ends() {
    let step = |threads| {
        let mut network = network::<f32>(1, &[(70_000, Activation::Identity)], 1);
        let gradient = [network.layers()[0].affine.clone()];
        let mut sgd = Sgd::new(0.1).momentum(0.9);
        Threads::new(threads).run(|| sgd.step(&mut network, &gradient)).unwrap();
        bits(&network.layers()[0].affine.weights)
    };
    assert_eq!(step(2), step(1));
}

/// Nor can a single row of units, forward and backward.
#[test]
fn a_pass_of_one_wide_row_ends() {
    let network = &network::<f32>(1, &[(70_000, Activation::Tanh)], 1);
    let (x, y) = (&uniform::<f32>((1, 1), -1.0, 1.0, 2), &uniform::<f32>((1, 70_000), -1.0, 1.0, 3));
    let gradients = |threads| {
        Threads::new(threads).run(|| gradient_bits(&pass(network, x.view(), y.view(), Loss::MeanSquaredError).1))
    };
    assert_eq!(gradients(2), gradients(1));
}

/// More threads than blocks of the product: 8 × 8 sums over many rows.
#[test]
fn a_small_product_of_long_sums_is_not_cut_to_nothing() {
    let network = &network::<f32>(8, &[(8, Activation::Identity)], 1);
    let (x, y) = (&uniform::<f32>((70_000, 8), -1.0, 1.0, 2), &uniform::<f32>((70_000, 8), -1.0, 1.0, 3));
    let gradients = |threads| {
        Threads::new(threads).run(|| {
            common::gradient_bits(&common::pass(network, x.view(), y.view(), chainrule::Loss::MeanSquaredError).1)
        })
    };
    assert_eq!(gradients(8), gradients(1));
}

/// Large enough that every product is split, with sizes that no number of threads divides evenly.
fn large<F: Real>() -> Network<F> {
    network(300, &[(512, Activation::Relu), (201, Activation::Tanh), (10, Activation::Softmax)], 1)
}

fn batch<F: Real>(rows: usize) -> (Array2<F>, Array2<F>) {
    (uniform((rows, 300), -1.0, 1.0, 2), one_hot_rows((rows, 10), 3))
}

fn training_has_the_same_bits_on_any_number_of_threads<F: Real>() {
    let train = |threads| {
        let (x, y) = batch::<F>(151); // the last batch is short
        let data = Dataset::new(x, y).unwrap();
        let sgd = Sgd::new(0.01).momentum(0.9).weight_decay(1e-3);
        let trainer = Trainer::new(Loss::CrossEntropy, sgd).epochs(2).batch_size(64).validation(&data);
        let mut trainer = match threads {
            Some(threads) => trainer.threads(threads),
            None => trainer,
        };
        let mut network = large();
        let history = trainer.fit(&mut network, &data, &mut rng(4)).unwrap();
        (network_bits(&network), bits(&history.cost), bits(&history.validation_cost))
    };
    let alone = train(Some(1));
    assert_ne!(alone.0, network_bits(&large::<F>()));
    for threads in [Some(2), Some(3), Some(5), None] {
        assert!(train(threads) == alone, "{threads:?} threads");
    }
}

#[test]
fn training_has_the_same_bits_on_any_number_of_threads_f32() {
    training_has_the_same_bits_on_any_number_of_threads::<f32>();
}

#[test]
fn training_has_the_same_bits_on_any_number_of_threads_f64() {
    training_has_the_same_bits_on_any_number_of_threads::<f64>();
}

/// Predictions and the explicit pass, for a copy and for views in other layouts, on each number of threads.
fn threads_and_layouts_do_not_matter<F: Real>() {
    let network = &large::<F>();
    // Enough rows to split the first layer's activation too, forward and backward.
    let (x, y) = &batch::<F>(131);
    let mut columns_first = Array2::zeros((131, 300).f());
    columns_first.assign(x);
    let mut apart = Array2::from_elem((262, 600), F::one());
    apart.slice_mut(s![..;2, 1..;2]).assign(x);
    let mut reversed = x.slice(s![..;-1, ..]).to_owned();
    reversed.invert_axis(Axis(0));
    let layouts = [x.view(), columns_first.view(), apart.slice(s![..;2, 1..;2]), reversed.view()];

    let (predicted, (cost, workspace)) =
        (network.predict(x.view()).unwrap(), pass(network, x.view(), y.view(), Loss::CrossEntropy));
    let expected = (bits(&predicted), cost.to_bits(), gradient_bits(&workspace));
    for threads in [1, 2, 3, 5] {
        let threads = Threads::new(threads);
        for view in layouts {
            assert_eq!(view, x);
            let (predicted, (cost, workspace)) =
                threads.run(|| (network.predict(view).unwrap(), pass(network, view, y.view(), Loss::CrossEntropy)));
            assert!((bits(&predicted), cost.to_bits(), gradient_bits(&workspace)) == expected, "{threads:?}");
        }
    }
}

#[test]
fn threads_and_layouts_do_not_matter_f32() {
    threads_and_layouts_do_not_matter::<f32>();
}

#[test]
fn threads_and_layouts_do_not_matter_f64() {
    threads_and_layouts_do_not_matter::<f64>();
}
