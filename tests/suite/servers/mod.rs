mod harness;
mod privacyidea;
