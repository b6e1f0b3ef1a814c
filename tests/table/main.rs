//! From a table to a prediction: names, scaling, CSV files, preprocessing, models, cross-validation.

mod names;
mod scaling;
