"""Model families: one file each, behind the questions of `base.Family`. The only folder that knows diffusers."""
