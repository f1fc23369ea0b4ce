"""Commands that stand in for tools: those a machine may lack, those that would act on the machine itself."""
