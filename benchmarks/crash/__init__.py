"""Processes killed with SIGKILL at random moments of intake and compaction: is what was acknowledged there, once?"""
