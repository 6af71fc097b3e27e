//! Creates files and folders that only this user may read.

use std::path::Path;

/// Creates a folder that only this user may enter. A folder that exists keeps its mode.
pub(crate) fn create_private_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Takes the rights of other users from a file, if they have any.
#[cfg(all(unix, feature = "embedded"))]
pub(crate) fn make_private(file: &std::fs::File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = file.metadata()?.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        Ok(())
    } else {
        file.set_permissions(PermissionsExt::from_mode(0o600))
    }
}

#[cfg(all(not(unix), feature = "embedded"))]
pub(crate) fn make_private(_file: &std::fs::File) -> std::io::Result<()> {
    Ok(())
}
