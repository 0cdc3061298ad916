//! Folders and small files as spec §5 wants them: modes, owners, `O_NOFOLLOW`, bounded reads.
