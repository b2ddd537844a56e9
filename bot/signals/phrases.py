"""What people and agents say, in a dozen languages, one pattern for each thing that is meant.

Only what hardly anything else is said with. Written with plain apostrophes; a language without
spaces has no word borders. `words.py` says how they are searched for.
"""

# ruff: noqa: RUF001 - letters and marks of many scripts, some of which look like Latin ones

from __future__ import annotations

import re

SENTENCE = r"(?:^|[.!?,;:…。！？、،؟\n])[^\w<]*(?:\d+ )?"
"""Where a sentence or a clause begins; some channels number what users say."""
START = r"^\W*(?:\d+ )?"


def _phrases(*alternatives: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{one})" for one in alternatives), re.I)


CORRECTS = _phrases(  # what was meant, or that it was not what the answer took it for
    # English
    START + r"(?:no|nope|hm+|wait|sorry)?\W*(?:that|this|it)(?:'s| is| was|'d be)? ?(?:not|n't) "
    r"(?:what|right|correct|it\b|the one|how)",
    START
    + r"(?:no|nope|wait)\b\W*(?:that|this|it)(?:'s| is| was) (?:the )?(?:wrong|incorrect|not)",
    START + r"(?:no|nope|wait|sorry)?\W*(?:i (?:meant|said|asked)|not what i)\b",
    START + r"(?:no\W+)?(?:it|that|this|they|he|she)(?:'s| is| was|'re| are| were) actually\b",
    # German, Dutch
    START + r"(?:nein|ne|nö)\b\W*(?:das|ich|so|nicht|es)\b.{0,20}\b(?:nicht|falsch|meinte)\b",
    START + r"ich (?:meinte|habe gesagt|hatte gesagt|wollte doch)\b",
    START + r"(?:das|es) ist nicht (?:das|die|der|was)\b",
    START + r"(?:nee?\b\W*)?(?:ik bedoelde|dat is niet wat|dat bedoel(?:de)? ik niet)\b",
    # French, Spanish, Portuguese, Italian
    START + r"non\b\W*(?:ce n'est pas|c'est pas|je voulais|j'ai dit|pas ça)\b",
    START + r"(?:je voulais dire|ce n'est pas ce que)\b",
    START + r"no\b\W*(?:eso|esto|esa|ese)? ?no (?:es|era)\b",
    START + r"(?:no\W+)?(?:quise decir|quería decir|me refería|eso no es lo que)\b",
    START + r"(?:não\W+)?(?:eu quis dizer|quis dizer|não foi isso|não é isso|não era isso)",
    START + r"(?:no\W+)?(?:intendevo|volevo dire|non (?:è|era) quello che)",
    # Russian, Turkish, Polish
    START + r"(?:нет\W+)?(?:я имел[аи]? в виду|это не то|я не это)",
    START + r"(?:hayır\W+)?(?:onu demedim|bunu demedim|demek istediğim|kastettiğim)",
    START + r"(?:nie\W+)?(?:miał[ae]m na myśli|chodziło mi o|to nie to)",
    # Japanese, Chinese, Korean, Arabic
    r"^\W*(?:いや|いえ|いいえ)?\W*(?:そうじゃな|そうではな|そういう(?:こと|意味)(?:じゃ|では)な"
    r"|違います|ちがいます|違う[、。！]?$)",
    r"^\W*(?:不是这个|不是這個|不对|不對|我的意思是|我说的是|我說的是|我是说|我是說)",
    r"^\W*(?:아니요?\W*)?(?:그게 아니|그 말이 아니|제 말은|내 말은)",
    r"^\W*(?:لا\W+)?(?:ليس هذا|لم أقصد|كنت أقصد|قصدي|أقصد)",
)
POINTS_OUT = _phrases(  # that an answer is wrong, of no use or not to be understood
    # English: it is wrong
    r"\b(?:that|this|it|which|your answer)(?:'s| is| was| looks?) (?:still |just |simply )?"
    r"(?:(?:the )?wrong|incorrect|false|not (?:right|correct|true))\b",
    r"\byou(?:'re| are| were|r) (?:wrong|mistaken|not making (?:any )?sense|not listening)\b",
    r"\byou (?:\w+ ){1,3}the wrong \w+",
    r"\byou (?:made an? (?:mistake|error)|misunderst|got (?:it|that) wrong|aren't making"
    r"|(?:did(?:n't| not)|have(?:n't| not)|never) (?:\w+ )?(?:answer|listen|read|underst)\w*)",
    START + r"wrong (?:answer|order|one|date|person|item|account|number)\b",
    START + r"(?:you(?:'re|r| are) )?doing (?:it|this|that) wrong\b",
    # English: it is of no use
    r"\b(?:that|this|it)? ?(?:does(?:n'?t| not)|did(?:n'?t| not)|not|isn'?t) (?:even )?"
    r"(?:mak(?:e|ing) (?:any )?sense|help\b|answer (?:my|the) question)",
    r"\b(?:nothing|none of (?:this|that|it)|what you)\b[^.?!]{0,30}\bmak(?:es?|ing) "
    r"(?:any |no )?sense\b",
    r"\bmak(?:es?|ing) no sense\b",
    START
    + r"(?:that |this |it |still )?(?:did(?:n'?t| not)|does(?:n'?t| not)|is(?:n'?t| not)|not) "
    r"work(?:ing)?\b",
    r"\b(?:you )?already (?:told|gave|asked) (?:you|me|that|this)\b",
    # English: it is not to be understood
    r"\bwhat (?:does|do|has|have) (?:that|this|it) (?:have |got )?to do with\b",
    r"\b(?:are|were) (?:we|you) (?:still )?(?:even )?talking about\b",
    SENTENCE
    + r"what (?:do you mean|are you (?:talking|going on) about|does (?:that|this) (?:even )?"
    r"mean)\W*(?:[?!.]|$)",
    SENTENCE + r"i (?:still )?(?:do(?:n't| not)|did(?:n't| not)) (?:understand|get|follow) "
    r"(?:that|this|it|what you|your|you)\b",
    # German, Dutch
    r"\b(?:das|dies|es) (?:ist|war|stimmt) (?:doch |leider |so |immer noch )?"
    r"(?:falsch|nicht(?: (?:richtig|korrekt|wahr))?)\W*$",
    r"\b(?:funktioniert|geht|klappt|hilft)(?: mir)? (?:immer noch |leider |so |auch |mir )?nicht\b",
    r"\b(?:ergibt|macht) (?:keinen|überhaupt keinen|null) sinn\b",
    r"\bsie (?:haben|verstehen) (?:mich|meine frage) (?:nicht|falsch)\b",
    r"\bdas war nicht meine frage\b",
    SENTENCE
    + r"(?:was meinen sie|was meinst du|was soll das heißen|wovon (?:reden|sprechen) sie)\b",
    r"\bdat (?:klopt niet|is (?:niet (?:juist|waar)|fout|onjuist))",
    r"\b(?:het )?werkt (?:nog steeds )?niet\b",
    # French, Spanish, Portuguese, Italian
    r"\b(?:c'est (?:faux|pas (?:ça|correct|vrai))|ce n'est pas (?:juste|correct|vrai|exact)"
    r"|ça ne (?:marche|fonctionne) (?:toujours )?pas|ça n'a (?:aucun|pas de) sens"
    r"|vous vous trompez|ça ne m'aide pas|vous n'avez pas (?:compris|répondu))",
    r"\b(?:(?:eso|esto)? ?está mal|es(?:o es)? (?:incorrecto|falso)"
    r"|no es (?:correcto|cierto|verdad)"
    r"|(?:sigue sin|no) (?:funciona|sirve)|no tiene sentido|no me (?:ayuda|entiende)"
    r"|se equivoca|te equivocas|no (?:respondió|ha respondido|contestó))",
    SENTENCE + r"¿?(?:qué quiere decir|qué quieres decir|de qué (?:habla|hablas|está hablando))",
    r"\b(?:está errado|isso (?:está|é) (?:errado|falso)|não está (?:certo|correto)|não é verdade"
    r"|não (?:funciona|funcionou|adianta)|não faz sentido)",
    r"\b(?:è (?:sbagliato|falso)|non è (?:giusto|corretto|vero)|non (?:funziona|serve)"
    r"|non ha senso)",
    # Russian, Turkish, Polish
    r"(?:это неправильно|это неверно|это не так\b|не работает|не помогло|не помогает|вы ошиб"
    r"|нет смысла|вы меня не понял|что вы имеете в виду)",
    r"(?:bu yanlış|yanlış (?:cevap|anladın)|doğru değil|çalışmıyor|işe yaramı|hiç mantıklı değil"
    r"|ne demek istiyorsun)",
    r"(?:to nieprawda|to (?:jest )?(?:źle|błąd|błędne)|nie działa|to nie ma sensu|nie rozumiesz)",
    # Japanese, Chinese, Korean, Arabic
    r"間違って(?:い|る|ま)|間違いです|間違えて(?:い|る|ま)|正しくな|正しくあり|意味が(?:分|わ)から|意味不明"
    r"|動きません|動かない|うまくいか|役に立た|答えになって",
    r"不对|不對|错了|錯了|不正确|不正確|没用|沒用|还是不行|還是不行|听不懂|聽不懂"
    r"|什么意思[?？]|什麼意思[?？]|答非所问",
    r"틀렸|틀린|잘못(?:됐|되었|된|하)|맞지 않|안 (?:돼|되|됩)|작동하지 않|무슨 (?:말|뜻|소리)",
    r"هذا (?:خطأ|غير صحيح|ليس صحيح|لا يعمل|غلط)|غير صحيح|لا (?:يعمل|تعمل|أفهم)|أنت مخطئ"
    r"|ماذا تقصد|لم تجب",
)
AT_A_LOSS = _phrases(  # all that is said
    r"\W*(?:\d+ )?(?:u[hm]+|huh|sorry|wait|hm+)?\W*(?:what|huh|pardon)\W*",
    r"\W*(?:hä|wie bitte|was|wat|quoi|pardon|comment|qué|cómo|o quê|come|cosa|что|ne|co)\W*\?\W*",
    r"\W*(?:は|え|何|什么|什麼|啊|네|뭐|뭐라고요|ماذا)[?？؟!！]+\W*",
)
WANTS_A_PERSON = _phrases(
    # English
    r"\b(?:speak|talk|chat|connect|transfer|put|escalate|get|reach|forward|hand)\b.{0,30}"
    r"\b(?:human|(?:real|live|actual) (?:person|agent|someone)|representative|supervisor|manager"
    r"|(?:human|live|customer service) (?:agent|rep)|operator)\b",
    r"\b(?:transfer|forward|escalate) me\b",
    r"\b(?:want|need|like) (?:a|an) (?:human|real person|operator|representative|supervisor)\b",
    START + r"(?:human|agent|operator|representative|(?:a )?real person)(?: please)?\W*$",
    # German, Dutch
    r"\b(?:mit|an|zu) (?:einem|einen|einer|eine) (?:echten |richtigen )?"
    r"(?:menschen|mitarbeiter(?:in)?|person|kollegen|berater(?:in)?)\b",
    r"\b(?:spreken|praten|doorverbinden)\b.{0,20}\b(?:mens|medewerker|collega)\b"
    r"|\b(?:mens|medewerker)\b.{0,20}\bspreken\b",
    # French, Spanish, Portuguese, Italian
    r"\b(?:parler|passer|joindre)\b.{0,20}\b(?:humain|conseiller|personne réelle|responsable)\b",
    r"\b(?:hablar|comunicar(?:me)?|pasar(?:me)?)\b.{0,20}"
    r"\b(?:humano|persona|agente|supervisor|representante)\b",
    r"\b(?:falar|transferir)\b.{0,20}\b(?:humano|pessoa|atendente|supervisor)\b",
    r"\b(?:parlare|passar(?:e|mi))\b.{0,20}\b(?:umano|persona|operatore|responsabile)\b",
    # Russian, Turkish, Polish
    r"(?:поговорить|соедините|переключите|позовите).{0,25}(?:человек|оператор|менеджер|сотрудник)",
    r"(?:temsilci|yetkili|gerçek (?:biri|bir insan)|müşteri hizmetleri).{0,25}"
    r"(?:görüş|konuş|bağla)",
    r"(?:rozmawiać|połącz).{0,20}(?:człowiek|konsultant|pracownik)",
    # Japanese, Chinese, Korean, Arabic
    r"(?:担当者|オペレーター|人間|責任者|スタッフ).{0,10}(?:話|代わ|替わ|つな|繋)",
    r"转人工|轉人工|人工(?:客服|服务|服務)|真人|找(?:你们|你們)?(?:经理|經理)",
    r"(?:상담원|사람|담당자|매니저).{0,10}(?:연결|통화|이야기|얘기|바꿔)",
    r"(?:التحدث|أتحدث|تحويلي|حولني|أكلم|التكلم).{0,25}(?:شخص|موظف|إنسان|مدير|ممثل)",
)
REFUSES = _phrases(  # the answer begins with it
    r"\W*(?:(?:i'm|i am) (?:very |so |really )?(?:sorry|afraid)[,.!]? ?(?:but )?(?:that )?)?"
    r"(?:unfortunately,? )?i(?:'m| am)? (?:cannot|can't|can not|unable to|not able to|won't"
    r"|not allowed to|not permitted to)\b",
    r"\W*(?:es tut mir leid|leider).{0,30}\b(?:kann ich|ich kann|darf ich)\b.{0,60}\bnicht\b",
    r"\W*(?:het spijt me|helaas).{0,20}\bkan ik\b.{0,60}\b(?:niet|geen)\b",
    r"\W*(?:(?:je suis )?désolée?|malheureusement).{0,20}\bje ne (?:peux|suis) pas\b",
    r"\W*(?:lo siento|lamentablemente|desafortunadamente).{0,20}\bno (?:puedo|es posible)\b",
    r"\W*(?:desculpe|lamento|infelizmente).{0,20}\bnão (?:posso|consigo|é possível)",
    r"\W*(?:mi dispiace|purtroppo).{0,20}\bnon (?:posso|è possibile)",
    r"\W*(?:извините|к сожалению|простите).{0,20}не (?:могу|имею)",
    r"\W*(?:üzgünüm|maalesef).{0,80}(?:amam|emem|amıyorum|emiyorum)",
    r"\W*(?:申し訳(?:ありません|ございません)|すみません|残念ながら).{0,60}(?:できません|できかねます|いたしかねます)",
    r"\W*(?:很?抱歉|对不起|對不起).{0,20}(?:无法|無法|不能|没办法)",
    r"\W*(?:죄송(?:합니다|하지만|해요)).{0,60}(?:수 없|불가능|어렵습니다)",
    r"\W*(?:عذراً?|آسف|للأسف|نعتذر).{0,20}(?:لا (?:أستطيع|يمكنني|نستطيع|يمكن))",
)
TAKES_LEAVE = _phrases(
    r"\b(?:thanks?|thank you|thx|cheers|goodbye|bye|that's all|that'?ll be all|that is all"
    r"|no that's it|nothing else|have a (?:nice|good|great|wonderful) \w+|perfect|great)\b",
    r"\b(?:danke|tschüss|das war's|merci|au revoir|c'est tout|gracias|adiós|eso es todo"
    r"|obrigad[oa]|tchau|grazie|arrivederci|bedankt|dank je|teşekkürler|dziękuję|спасибо)\b",
    r"ありがと|さようなら|谢谢|謝謝|再见|再見|감사합니다|고마워|شكرا|مع السلامة",
)
OFFERS_MORE = _phrases(
    r"\b(?:anything|something|what) else\b",
    r"\bhow (?:can|may) i (?:help|assist) you\b",
    r"\b(?:sonst noch|noch etwas|autre chose|algo más|mais alguma coisa|altro|nog iets)\b",
    r"ещё (?:что|чем)|başka bir|他に|ほかに|还有(?:什么|其他)|還有(?:什麼|其他)"
    r"|더 (?:필요|도와)|أي شيء آخر",
)
PROMISES = _phrases(  # what an agent is about to do
    r"\b(?:i'll|i will|i am going to|i'm going to|let me) (?:now |just |quickly |go ahead and )?"
    r"(?:check|look|find|search|process|cancel|book|change|update|modify|arrange|send|submit|issue"
    r"|start|begin|proceed|get|verify|review|transfer|connect|escalate|open|create|place|refund)\b",
    r"\b(?:one moment|just a moment|hold on|hang on|please wait|bear with me"
    r"|give me a (?:moment|second))\b",
    r"\b(?:ich werde|ich prüfe|ich schaue|lassen sie mich|einen moment|moment bitte)\b",
    r"\b(?:je vais|laissez-moi|un instant|un moment|ik ga|een moment|momentje)\b",
    r"\b(?:voy a|déjame|permítame|un momento|vou verificar|um momento|controllo subito)\b",
    r"(?:сейчас проверю|одну минуту|минутку|hemen kontrol|bir dakika)",
    r"少々お待ち|確認いたします|お調べします|稍等|我来(?:查|帮)"
    r"|잠시만|확인해 ?보겠|لحظة من فضلك|سأقوم|سأتحقق",
)
LEFT_TO_OTHERS = _phrases(  # what is promised for later or on a condition may well happen unseen
    r"\b(?:e-?mail|contact|reach out|get back|be in touch|follow up|call you|notify|update you|"
    r"within \d|in the next|shortly|tomorrow|business days?|anything else"
    r"|(?:once|when|if|after|as soon as) (?:you|your|the|i|it|we))\b",
    r"\b(?:melden|benachrichtigen|sobald|werktage|recontacter|dès que|contactar|en cuanto)\b",
)
