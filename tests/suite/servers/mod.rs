mod beliefs;
mod harness;
mod mend;
mod privacyidea;
