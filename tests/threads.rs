//! What may go to another thread does, and a network that many threads read gives all of them the same bits.

mod common;

use chainrule::{
    Activation, Affine, ConfusionMatrix, Dataset, Error, History, Layer, Network, Scaling, Sgd, Threads, Workspace,
};
use common::{bits, network, uniform};

const fn send_and_sync<T: Send + Sync>() {}

/// Held by the compiler.
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

/// Each with a workspace of its own.
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

/// A single row of weights cannot be halved by rows, however many its columns.
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

/// More threads than blocks of the product: 8 times 8 sums over very many rows.
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
