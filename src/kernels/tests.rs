//! Every operation against its definition, for shapes on either side of every bound, and bit for bit between threads
//! and between widths of vectors.

use super::*;
use crate::kernels::vectors::level;
use fearless_simd::Level;

/// Small whole numbers, whose sums of products are exact in any order.
fn whole_numbers<F: Real>(shape: (usize, usize), seed: usize) -> Array2<F> {
    Array2::from_shape_fn(shape, |(i, j)| F::from_f64(((i * 7 + j * 13 + i * j * 3 + seed) % 9) as f64 - 4.0))
}

/// F1, B2, B4 and B5 of one shape.
struct Results<F> {
    f1: Array2<F>,
    b2: Array2<F>,
    b4: Array2<F>,
    b5: Array1<F>,
}

/// By the kernels, into arrays that hold NaNs before; `scale` makes sums whose bits depend on their order.
fn results<F: Real>(rows: usize, inner: usize, cols: usize, scale: f64) -> Results<F> {
    let scale = F::from_f64(scale);
    let (a, b) = (whole_numbers::<F>((rows, inner), 1) * scale, whole_numbers::<F>((inner, cols), 2) * scale);
    let row_major = |matrix: &Array2<F>| matrix.t().as_standard_layout().into_owned();
    let (at, bt) = (row_major(&a), row_major(&b));
    let nan = Array2::from_elem((rows, cols), F::nan());
    let bias = whole_numbers((1, cols), 3).row(0).to_owned();
    let (mut f1, mut b2, mut b4, mut b5) = (nan.clone(), nan.clone(), nan.clone(), nan.row(0).to_owned());
    let mut spare = nan;
    affine(a.view(), &b, &bias, &mut f1, &mut spare);
    times_transpose(&a, &bt, &mut b2);
    transpose_times(at.view(), &b, &mut b4);
    if rows == 1 {
        column_sums(&b, &mut b5);
    }
    Results { f1, b2, b4, b5 }
}

fn check<F: Real>(rows: usize, inner: usize, cols: usize) {
    let found = results::<F>(rows, inner, cols, 1.0);
    let (a, b) = (whole_numbers::<F>((rows, inner), 1), whole_numbers::<F>((inner, cols), 2));
    let bias = whole_numbers((1, cols), 3).row(0).to_owned();
    let shape = format!("{rows}, {inner}, {cols}");
    assert_eq!(found.f1, definition::affine(&a, &b, &bias), "F1: {shape}");
    assert_eq!(found.b2, definition::times_transpose(&a, &b.t().to_owned()), "B2: {shape}");
    assert_eq!(found.b4, definition::transpose_times(&a.t().to_owned(), &b), "B4: {shape}");
    if rows == 1 {
        assert_eq!(found.b5, definition::column_sums(&b), "B5: {shape}");
    }
}

const WIDTHS: [usize; 22] = [1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 25, 31, 32, 33, 36, 50, 63, 64, 65, 100, 129, 200];

#[test]
fn small_products_are_what_their_definition_says() {
    for rows in [1, 2, 3, 4, 5, 6, 7, 8, 9, 33] {
        for inner in [1, 2, 3, 4, 7, 8, 15, 16, 17, 33, 70] {
            for cols in WIDTHS {
                check::<f32>(rows, inner, cols);
                check::<f64>(rows, inner, cols);
            }
        }
    }
}

/// Either side of every bound, with several blocks of terms.
const LARGE: [(usize, usize, usize); 16] = [
    (1, 784, 700),
    (1, 784, 50),
    (6, 1, 1100),
    (40, 1, 1100),
    (1100, 1, 40),
    (64, 128, 95),
    (64, 128, 129),
    (7, 300, 330),
    (8, 300, 330),
    (257, 512, 260),
    (20, 670, 390),
    (20, 1100, 390),
    (13, 2100, 48),
    (3, 700, 300),
    (40, 700, 10),
    (300, 900, 10),
];

#[test]
fn large_products_are_what_their_definition_says() {
    for (rows, inner, cols) in LARGE {
        for threads in [1, 2, 3, 7] {
            Threads::new(threads).run(|| {
                check::<f32>(rows, inner, cols);
                check::<f64>(rows, inner, cols);
            });
        }
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    for (rows, inner, cols) in LARGE {
        let of = |threads| Threads::new(threads).run(|| results::<f32>(rows, inner, cols, 1.0 / 3.0));
        let alone = of(1);
        for threads in [2, 3, 7] {
            let found = of(threads);
            let shape = format!("{threads} threads: {rows}, {inner}, {cols}");
            assert_eq!(
                (found.f1, found.b2, found.b4),
                (alone.f1.clone(), alone.b2.clone(), alone.b4.clone()),
                "{shape}"
            );
        }
    }
}

/// A formula that shows which entries it was given, and in which order.
#[derive(Clone, Copy)]
struct Mixed;

impl Formula<2, 1> for Mixed {
    fn at<N: Number>(self, [a, b]: [N; 2], [c]: [N; 1]) -> [N; 2] {
        [a.mul_add(a.constant(3.0), b) + c, (-(b * b) * c).exp() - c.abs()]
    }
}

#[test]
fn each_is_what_its_definition_says() {
    for len in (0..70).chain([1000, 70_001]) {
        for threads in [1, 2, 3] {
            let numbers = |seed| whole_numbers::<f32>((1, len), seed).into_raw_vec_and_offset().0;
            let (mut a, mut b, c) = (numbers(1), numbers(2), numbers(3));
            let (mut a0, mut b0) = (a.clone(), b.clone());
            Threads::new(threads).run(|| each(Mixed, [&mut a, &mut b], [&c]));
            definition::each(Mixed, [&mut a0, &mut b0], [&c]);
            assert_eq!((a, b), (a0, b0), "{len} entries, {threads} threads");
        }
    }
}

#[test]
fn all_finite_finds_every_place() {
    for len in [1, 15, 16, 63, 64, 65, 200] {
        let numbers = vec![1.0_f32; len];
        assert!(all_finite(&numbers));
        for place in 0..len {
            for x in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                let mut numbers = numbers.clone();
                numbers[place] = x;
                assert!(!all_finite(&numbers), "{x} at {place} of {len}");
            }
        }
        assert!(all_finite(&vec![f32::MAX; len]));
    }
}

/// e^x or e^x − 1, by the kernels.
#[derive(Clone, Copy)]
struct Exponential {
    minus_1: bool,
}

impl Formula<1, 0> for Exponential {
    fn at<N: Number>(self, [x]: [N; 1], []: [N; 0]) -> [N; 1] {
        [if self.minus_1 { x.exp_m1() } else { x.exp() }]
    }
}

fn exponential_of<F: Real>(minus_1: bool, x: &[F]) -> Vec<F> {
    let mut x = x.to_vec();
    each(Exponential { minus_1 }, [&mut x], []);
    x
}

/// The largest error on numbers of every size between 0 and `low`, in units in the last place of `F`.
fn worst<F: Real>(minus_1: bool, low: f64, digits: i32, smallest: f64) -> f64 {
    let arguments: Vec<F> = (0..1_000_000).map(|i| F::from_f64(low * (f64::from(i) / 1e6).powi(3))).collect();
    let exact: fn(f64) -> f64 = if minus_1 { f64::exp_m1 } else { f64::exp };
    let error = |(x, y): (&F, &F)| {
        let exact = exact(x.f64());
        let ulp = exact.abs().max(smallest).log2().floor().exp2() * 2.0_f64.powi(-digits);
        (y.f64() - exact).abs() / ulp
    };
    arguments.iter().zip(&exponential_of(minus_1, &arguments)).map(error).fold(0.0, f64::max)
}

#[test]
fn exp_is_within_an_ulp_or_so() {
    // The exact values have an error of their own, 0.5 in f64.
    for minus_1 in [false, true] {
        assert!(worst::<f32>(minus_1, -106.0, 23, f32::MIN_POSITIVE.into()) < 1.1);
        assert!(worst::<f64>(minus_1, -750.0, 52, f64::MIN_POSITIVE) < 1.6);
    }
}

#[test]
fn exp_at_its_ends() {
    assert_eq!(exponential_of(false, &[0.0_f64, -0.0, f64::NEG_INFINITY, -1e300]), [1.0, 1.0, 0.0, 0.0]);
    assert_eq!(exponential_of(true, &[0.0_f32, f32::MIN]), [0.0, -1.0]);
    assert!(exponential_of(false, &[f32::NAN])[0].is_nan() && exponential_of(true, &[f64::NAN])[0].is_nan());
}

#[test]
fn narrower_vectors_can_be_asked_for() {
    // Which there are depends on the processor; none is wider than the widest.
    let found = format!("{:?}", level());
    assert!(std::env::var_os("CHAINRULE_VECTORS").is_some() || found == format!("{:?}", Level::new()));
}
