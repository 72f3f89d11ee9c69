mod beliefs;
mod cut;
mod harness;
mod mend;
mod privacyidea;
