//! `nova completions` and `nova man`: what a shell and a manual can say of the command.

use std::error::Error;
use std::io::Write as _;
use std::path::PathBuf;

use clap::CommandFactory as _;

use crate::Nova;
use crate::output::stdout;

#[derive(Debug, clap::Args)]
pub(crate) struct Completions {
    /// The shell.
    shell: clap_complete::Shell,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Man {
    /// Write a page for every command into this directory, instead of the first one to standard output.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Prints what a shell has to know to complete commands.
///
/// # Errors
/// When nobody reads.
pub(crate) fn completions(args: &Completions) -> Result<(), Box<dyn Error>> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Nova::command(), "nova", &mut script);
    Ok(stdout().write_all(&script)?)
}

/// Prints the manual page, or writes all of them.
///
/// # Errors
/// When nobody reads, or the directory can't be written.
pub(crate) fn man(args: &Man) -> Result<(), Box<dyn Error>> {
    match &args.dir {
        Some(dir) => {
            std::fs::create_dir_all(dir)
                .and_then(|()| clap_mangen::generate_to(Nova::command(), dir))
                .map_err(|error| format!("{}: {error}", dir.display()))?;
            Ok(())
        }
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Nova::command()).render(&mut page)?;
            Ok(stdout().write_all(&page)?)
        }
    }
}
