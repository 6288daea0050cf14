// Only here so that the two precompiled headers have a target to belong to.
